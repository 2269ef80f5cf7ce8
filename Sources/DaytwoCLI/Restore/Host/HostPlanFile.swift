import Failures
import Files
import JSONValues
import Operations

/// A plan of a restore on a host that was kept in a file. It is not believed: the plan is made again, and has to come to the same.
enum HostPlanFile {
    private static let largest = 64 << 20

    static func write(_ plan: HostRestorePlan, to path: String) throws(Failure) {
        let bytes = try JSON(encoding: plan).serialized() + [UInt8(ascii: "\n")]
        try durablyWrite(bytes, to: path, replacing: true)
    }

    /// The plan in a file; nil where none is named. It has its own options, and takes no others.
    static func read(_ path: String?, besides options: HostRestoreOptions) throws(Failure) -> HostRestorePlan? {
        guard let path else { return nil }
        guard options == HostRestoreOptions() else {
            throw Failure(
                .usage, "options that bear on the plan are given with --plan, which has its own",
                next: "leave them out, or make a new plan with them: daytwo restore plan")
        }
        do throws(Failure) {
            return try JSON(parsing: readFile(path, limit: largest)).decode(HostRestorePlan.self)
        } catch {
            guard error.code != .notFound, error.code != .denied else { throw error }
            throw Failure(
                .usage, "\(path) is no plan of a restore on a host",
                next: "make one: daytwo restore plan NAMESPACE/NAME BACKUP --out FILE", cause: error)
        }
    }

    /// Throws `refused` where what would be done now is not what was planned then.
    static func require(
        _ plan: HostRestorePlan, as kept: HostRestorePlan, _ cluster: String
    ) throws(Failure) {
        let differences = plan.differences(from: kept)
        guard !differences.isEmpty else { return }
        throw Failure(
            .refused, "it is no longer as it was planned, and nothing was changed",
            why: differences.joined(separator: "; "),
            next: "look at what would be done now: daytwo restore plan \(cluster) \(kept.source.id.prefix(8))")
    }
}
