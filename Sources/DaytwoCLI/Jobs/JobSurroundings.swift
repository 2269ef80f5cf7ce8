import Foundation
import Jobs

/// Who acts, on what machine: what jobs and the audit log keep of it.
enum JobSurroundings {
    /// The context of all that this process does with jobs.
    static func context(origin: String? = nil) -> JobContext {
        JobContext(
            now: { WallClock.now }, chance: { Double.random(in: 0..<1) },
            process: ProcessIdentity(pid: getpid(), host: hostName, bootID: bootID),
            actor: Actor(user: user, uid: geteuid(), origin: origin ?? (isUnderCron ? "cron" : terminal)))
    }

    /// The name of this machine.
    static let hostName: String = {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// Whether cron started the command: one of the processes above it is cron.
    static let isUnderCron: Bool = {
        var process = getppid()
        for _ in 0..<4 where process > 1 {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),  // may be gone
                let open = status.firstIndex(of: "("), let close = status.lastIndex(of: ")")
            else { return false }
            let name = status[status.index(after: open)..<close].lowercased()
            if name == "cron" || name == "crond" { return true }
            let rest = status[status.index(after: close)...].split(separator: " ")
            process = rest.count > 1 ? pid_t(rest[1]) ?? 0 : 0
        }
        return false
    }()

    private static var terminal: String {
        guard isatty(STDIN_FILENO) == 1, let name = ttyname(STDIN_FILENO) else { return "no terminal" }
        return String(cString: name)
    }

    private static var user: String {
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else { return "\(geteuid())" }
        return String(cString: name)
    }

    private static var bootID: String {
        // Only for people, who can do without.
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }
}
