import Failures
import FoundationEssentials
import GRDB

/// What a scheduler does between choosing a job and the moment when the job's own process claims it.
extension JobQueue {
    /// After so many processes that were started for a job and never claimed it, it is given up.
    static let reservationLimit = 20

    /// Reserves the jobs that may start now, so that no other scheduler starts a process for them as well.
    ///
    /// A reservation is only a courtesy, and ends by itself: the claim decides.
    func reserve(_ limits: JobLimits) throws(Failure) -> [Job] {
        let now = context.now()
        let ready = ReadyJobs(now: now, limits: limits, countingReserved: true, longest: context.backoff.longest)
        guard try !database.read({ db in try ready.fetch(db, count: 1) }).isEmpty else { return [] }
        return try database.write { db in
            let jobs = try ready.fetch(db, count: .max).map { try Job.find($0, db) }
            return try jobs.filter { job in
                let until = now.addingTimeInterval(ReadyJobs.reservation).milliseconds
                let isReserved =
                    try db.execute(
                        cached: """
                            UPDATE jobs SET reserved_until = ?, reservations = reservations + 1
                            WHERE id = ? AND reservations < ?
                            """, [until, job.id, Self.reservationLimit]) == 1
                if !isReserved { try giveUp(job, at: now, db) }
                return isReserved
            }
        }
    }

    /// Notes why no process could be started for a reserved job; it is tried again when the reservation ends.
    func noteLaunchFailure(_ id: Int64, _ failure: Failure) throws(Failure) {
        try database.write { db in
            _ = try db.execute(
                cached: "UPDATE jobs SET message = ? WHERE id = ? AND state = 'queued'",
                ["no process could be started for it: \(failure)", id])
        }
    }

    private func giveUp(_ job: Job, at now: Date, _ db: Database) throws {
        let reason = job.message.map { ": " + $0 } ?? ""
        try JobEnd(context: context, now: now).withdraw(
            job, as: .skipped,
            message: "its process was started \(Self.reservationLimit) times and never began" + reason,
            db)
    }
}
