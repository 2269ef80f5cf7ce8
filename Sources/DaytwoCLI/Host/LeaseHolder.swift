import Foundation
import Operations

extension LeaseHolder {
    /// This process, for what it does.
    static func here(_ deed: String) -> LeaseHolder {
        LeaseHolder(
            name: "\(Environment.user)@\(JobSurroundings.hostName): \(deed), process \(getpid())",
            process: place.flatMap { place in start(of: getpid()).map { "\(place) \(getpid()) \($0)" } },
            isGone: { process in
                let parts = process.split(separator: " ").map(String.init)
                guard let place, parts.count == 4, "\(parts[0]) \(parts[1])" == place, let id = pid_t(parts[2]) else {
                    return false
                }
                return start(of: id) != parts[3]
            })
    }

    /// The boot of this machine and the processes that are seen here: only among those, numbers tell anything.
    private static let place: String? = {
        // Without them, nobody is taken for gone.
        guard let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8),
            let processes = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
        else { return nil }
        return "\(boot.trimmingCharacters(in: .whitespacesAndNewlines)) \(processes)"
    }()

    /// When a process began, which tells it from a later one of its number; nil where there is none.
    private static func start(of id: pid_t) -> String? {
        guard let status = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),  // may be gone
            let close = status.lastIndex(of: ")")
        else { return nil }
        let rest = status[status.index(after: close)...].split(separator: " ")
        return rest.count > 19 && rest[0] != "Z" ? String(rest[19]) : nil
    }
}
