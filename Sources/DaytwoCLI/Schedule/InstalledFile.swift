import Failures
import Files
import Foundation

/// A file that `schedule install` wrote, known by its first line.
struct InstalledFile {
    static let cronMark = "# Written by: daytwo schedule install --cron-file"

    let path: String
    private let mark: String

    init(_ path: String, mark: String) {
        self.path = path
        self.mark = mark
    }

    /// Its text; nil when there is none. One that somebody else wrote is refused.
    func text() throws(Failure) -> String? {
        guard try FileStatus.ifPresent(path, following: true) != nil else { return nil }
        let text = String(decoding: try readFile(path, limit: 1 << 20), as: UTF8.self)
        guard text.hasPrefix(mark + "\n") else {
            throw Failure(
                .refused, "\(path) is left as it is", why: "daytwo did not write it",
                next: "look at it, and remove it yourself or give another path")
        }
        return text
    }

    /// Where the unit goes: systemd.unit(5).
    static func unitPath() throws(Failure) -> String {
        if geteuid() == 0 { return "/etc/systemd/system/\(unitName)" }
        let folder = Environment.configurationHome.value ?? Environment.home.value.map { "\($0)/.config" }
        guard let folder, folder.hasPrefix("/") else {
            throw Failure(
                .usage, "there is no place for a user's unit", why: "neither XDG_CONFIG_HOME nor HOME is set",
                next: "give --unit-file FILE")
        }
        return "\(folder)/systemd/user/\(unitName)"
    }

    private static let unitName = "daytwo-scheduler.service"
}
