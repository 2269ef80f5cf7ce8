import Datastore
import Failures
import Files
import Foundation

/// The one step that changes what a control plane finds: it puts another set in the place of `server/`, or of the database
/// of Kubernetes, durably, with every SQLite held off, and does not let go before nobody is left who would mix the two.
///
/// SQLite opens a database by its descriptor and the log by its name. A server that opened the database just before the
/// step, and waits for its lock (kine waits for 30 seconds), would go on with the database of one set and the log of
/// the other. So the locks of both are held until nobody has the set that went away open.
struct SetExchange {
    enum Step {
        /// Each takes the place of the other.
        case exchange
        /// There is nothing in place; the other set goes there.
        case bring
        /// What is in place goes beside the data, and nothing comes.
        case putAside
    }

    let directory: DataDirectory
    let place: RunDirectory
    let context: OperationContext

    /// Longer than any kine waits for a lock.
    private static let patience: Duration = .seconds(40)

    /// Does the step; `check` has the last word while the locks are held.
    func perform(_ step: Step, next: String, check: () throws(Failure) -> Void = {}) throws(Failure) {
        if let evidence = try RunningServer.evidence(at: directory.place) {
            throw Failure(.refused, "\(directory.place.runs) on \(directory.root)", why: evidence, next: next)
        }
        let going = try DatabaseHold(at: directory.place)
        let coming = try DatabaseHold(at: place.datastore)
        try check()
        try directory.requireNoOtherDatastore()
        try LooseLog(directory).requireNone(place)
        try move(step)
        if let user = try waitUntilUnused(place.datastore) {
            try takeBack(step, user, next: next)
        }
        coming.release()
        going.release()
    }

    private func move(_ step: Step) throws(Failure) {
        switch step {
        case .exchange: try exchange(place.set, directory.set)
        case .bring: try renameNew(place.set, to: directory.set)
        case .putAside: try renameNew(directory.set, to: place.set)
        }
        try synchronizeDirectory(directory.root)
        try synchronizeDirectory(place.path)
    }

    /// Who still uses the set that went away when patience ends; nil as soon as nobody does. Looks twice, because a
    /// process that is in the middle of opening is not seen at once.
    private func waitUntilUnused(_ place: DatastorePlace) throws(Failure) -> String? {
        let end = context.uptime() + Self.patience
        var quiet = 0
        while true {
            guard let user = try RunningServer.user(of: place) else {
                quiet += 1
                if quiet == 2 { return nil }
                usleep(10_000)
                continue
            }
            quiet = 0
            if context.uptime() > end { return user }
            usleep(50_000)
        }
    }

    private func takeBack(_ step: Step, _ user: String, next: String) throws(Failure) -> Never {
        let what = "a server was started on \(directory.root) while its data was being exchanged"
        if let other = try RunningServer.user(of: directory.place) {
            throw Failure(
                .halfWay, what, why: "\(user) has the old set open, and \(other) the new one",
                next: "stop both; \(next)")
        }
        switch step {
        case .exchange: try move(.exchange)
        case .bring: try move(.putAside)
        case .putAside: try move(.bring)
        }
        throw Failure(.refused, what, why: user, next: next)
    }
}
