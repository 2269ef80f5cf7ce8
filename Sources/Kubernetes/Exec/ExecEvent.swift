import Failures
internal import JSONValues

/// What comes from a command that runs in a container.
public enum ExecEvent: Sendable, Equatable {
    /// It wrote to standard output.
    case output([UInt8])
    /// It wrote to standard error.
    case error([UInt8])
    /// It ended. What it wrote came before, as far as the server passed it on: only an end mark in the output itself
    /// says that all of it is there.
    case ended(ExecEnd)
}

/// How a command ended.
public struct ExecEnd: Sendable, Hashable {
    /// Its exit status; 0 for success.
    public let status: Int

    /// What the status channel said; throws where the command did not run to its end. `deed` is for messages.
    static func read(_ bytes: [UInt8], deed: String, redaction: Redaction) throws(Failure) -> ExecEnd {
        let json = try? JSONValue(parsing: bytes)
        if json?["status"]?.stringValue == "Success" { return ExecEnd(status: 0) }
        guard let json, json["status"]?.stringValue == "Failure" else {
            throw Failure(.unreachable, "cannot \(deed)", why: "the status of the command cannot be read")
        }
        let causes = json["details", "causes"]?.arrayValue ?? []
        if json["reason"]?.stringValue == "NonZeroExitCode",
            let text = causes.first(where: { $0["reason"]?.stringValue == "ExitCode" })?["message"]?.stringValue,
            let status = Int(text)
        {
            return ExecEnd(status: status)
        }
        let reason = json["reason"]?.stringValue.map(redaction.message)
        throw Failure(
            .failed, "cannot \(deed)",
            why: redaction.message(json["message"]?.stringValue ?? "the command did not run")
                + (reason.map { " (\($0))" } ?? ""),
            next: "Look whether the container runs and has that program.")
    }
}
