import Failures
import Files
import Foundation

/// Where daytwo keeps its own things, by the XDG rules (specifications.freedesktop.org/basedir-spec).
enum Places {
    /// A path, and who said so.
    struct Origin: Equatable {
        let path: String
        /// `--flag`, an environment variable, a file, or `default`.
        let source: String
    }

    /// The configuration: flag, environment, then the first of the usual places that has one; nil when there is none.
    static func configuration(told: String?) throws(Failure) -> Origin? {
        if let told { return Origin(path: told, source: "--config") }
        if let path = Environment.configuration.value {
            return Origin(path: path, source: Environment.configuration.rawValue)
        }
        for folder in [userFolder(.configurationHome, ".config"), systemFolder].compactMap({ $0 }) {
            let path = "\(folder)/daytwo.yaml"
            if try FileStatus.ifPresent(path, following: true) != nil { return Origin(path: path, source: "default") }
        }
        return nil
    }

    /// Where a first configuration goes: root's is that of the machine.
    static func firstConfigurationFolder() throws(Failure) -> String {
        if geteuid() == 0 { return systemFolder }
        if let folder = userFolder(.configurationHome, ".config") { return folder }
        throw Failure(
            .usage, "there is no place for a configuration", why: "neither XDG_CONFIG_HOME nor HOME is set",
            next: "give --directory DIR")
    }

    private static let systemFolder = "/etc/daytwo"

    /// The directory of jobs, schedules' state and history: flag, environment, configuration, then the usual place.
    static func stateDirectory(told: String?, configured: Origin?) throws(Failure) -> Origin {
        if let told { return Origin(path: told, source: "--state-dir") }
        if let path = Environment.stateDirectory.value {
            return Origin(path: path, source: Environment.stateDirectory.rawValue)
        }
        if let configured { return configured }
        if let folder = userFolder(.stateHome, ".local/state") { return Origin(path: folder, source: "default") }
        guard geteuid() == 0 else {
            throw Failure(
                .usage, "there is no place for the state directory", why: "neither XDG_STATE_HOME nor HOME is set",
                next: "give --state-dir DIR, or set DAYTWO_STATE_DIR")
        }
        return Origin(path: "/var/lib/daytwo", source: "default")
    }

    /// The user's folder for daytwo: relative values of the variable are to be ignored.
    private static func userFolder(_ variable: Environment, _ standard: String) -> String? {
        if let folder = variable.value, folder.hasPrefix("/") { return "\(folder)/daytwo" }
        guard let home = Environment.home.value, home.hasPrefix("/") else { return nil }
        return "\(home)/\(standard)/daytwo"
    }
}
