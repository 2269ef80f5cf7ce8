import Failures
import Files
import Policies

/// The command that runs the scheduler by itself: absolute paths for binary, configuration and state, so that it means the
/// same whoever starts it from wherever.
struct InstalledCommand {
    let configuration: String
    private let binary: String
    private let stateDirectory: String

    init(_ session: Session) throws(Failure) {
        // A configuration that does not load is no schedule: that is told now and not in the first night.
        let loaded = try session.settings.requireConfiguration()
        for warning in loaded.warnings { session.console.warn(warning.text) }
        guard !loaded.schedules.isEmpty else {
            throw Failure(
                .refused, "\(loaded.path) has no schedule", why: "there would be nothing to run",
                next: "add a document of kind BackupSchedule, and name its file under policies:")
        }
        configuration = try realPath(loaded.path)
        binary = try realPath("/proc/self/exe")
        let state = try session.settings.stateDirectory().path
        stateDirectory = state.hasPrefix("/") ? state : "\(try realPath("."))/\(state)"
    }

    /// Program and arguments, for `verb` of the scheduler.
    func words(_ verb: String) -> [String] {
        [binary, "scheduler", verb, "--config", configuration, "--state-dir", stateDirectory]
    }

    /// One line of a crontab: each minute a pass; a pass that finds another at work leaves the work to that one.
    func cronLine(user: String? = nil) throws(Failure) -> String {
        var line = "* * * * *" + (user.map { " \($0)" } ?? "")
        for word in words("tick") + ["--quiet"] { line += " " + (try CronBlock.word(word)) }
        return line
    }
}
