import Failures
import Files
import JSONValues
import Operations

/// A plan that was kept in a file, for `restore run --plan FILE`.
struct PlanFile<Plan: Codable> {
    /// What it plans: `a restore on a host`.
    let what: String
    /// How one is made, without `--out`.
    let command: String

    func write(_ plan: Plan, to path: String) throws(Failure) {
        let bytes = try JSON(encoding: plan).serialized() + [UInt8(ascii: "\n")]
        try durablyWrite(bytes, to: path, replacing: true)
    }

    /// Throws `usage` for a file that is no such plan.
    func read(_ path: String) throws(Failure) -> Plan {
        do throws(Failure) {
            return try JSON(parsing: readFile(path, limit: 64 << 20)).decode(Plan.self)
        } catch {
            guard error.code != .notFound, error.code != .denied else { throw error }
            throw Failure(
                .usage, "\(path) is no plan of \(what)", next: "make one: \(command) --out FILE", cause: error)
        }
    }

    /// A plan on a host is not believed: it is made again, with the choices of the kept one and no others, and has to come to
    /// the same.
    func read(_ path: String?, hasChoices: Bool) throws(Failure) -> Plan? {
        guard let path else { return nil }
        guard !hasChoices else {
            throw Failure(
                .usage, "options that bear on the plan are given with --plan, which has its own",
                next: "leave them out, or make a new plan with them: \(command)")
        }
        return try read(path)
    }

    /// Throws `refused` where what would be done now is not what was planned then.
    func require(noneOf differences: [String], _ command: String) throws(Failure) {
        guard !differences.isEmpty else { return }
        throw Failure(
            .refused, "it is no longer as it was planned, and nothing was changed",
            why: differences.joined(separator: "; "), next: "look at what would be done now: \(command)")
    }
}

extension PlanFile where Plan == RestorePlan {
    static var ofDirectory: PlanFile {
        PlanFile(what: "a restore of a data directory", command: "daytwo restore plan --data-dir DIR BACKUP")
    }
}

extension PlanFile where Plan == HostRestorePlan {
    static var onHost: PlanFile {
        PlanFile(what: "a restore on a host", command: "daytwo restore plan NAMESPACE/NAME BACKUP")
    }
}

extension PlanFile where Plan == HostMovePlan {
    static var ofMove: PlanFile { PlanFile(what: "a move", command: "daytwo restore plan BACKUP --to HOST") }
}
