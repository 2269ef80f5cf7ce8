import Archive
import ArgumentParser
import Failures
import Files
import Foundation
import JSONValues

/// `daytwo schedule install`.
struct ScheduleInstall: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "install", abstract: "Have cron or systemd run the schedules.",
        discussion: """
            --cron keeps one marked block in your crontab (or, with --cron-file, a file for /etc/cron.d) that starts a \
            pass of the scheduler each minute. --systemd writes a unit that keeps the scheduler running. Both may be \
            repeated; all paths in them are absolute.
            """,
        exits: [.refused, .denied, .notFound])

    @Flag(help: "A block in the crontab of the user who runs this.")
    var cron = false

    @Option(help: ArgumentHelp("A file of its own instead, such as /etc/cron.d/daytwo.", valueName: "file"))
    var cronFile: String?

    @Flag(help: "A systemd service.")
    var systemd = false

    @Option(help: ArgumentHelp("Where the unit goes (default: the machine's or the user's place).", valueName: "file"))
    var unitFile: String?

    @Flag(help: "Show what would be written, and write nothing.")
    var dryRun = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let wantsCron = cron || cronFile != nil
        guard wantsCron != (systemd || unitFile != nil) else {
            throw Failure(.usage, "it is not said who runs the schedules", next: "give one of --cron and --systemd")
        }
        let command = try InstalledCommand(session)
        let installed: Installed
        if let cronFile {
            installed = try intoCronFile(absolutePath(cronFile), command)
        } else if wantsCron {
            installed = try intoCrontab(command)
        } else {
            installed = try intoUnit(command)
        }
        let document = JSON.document(
            "ScheduleInstallation",
            [
                ("place", .string(installed.place)), ("changed", .bool(installed.isChanged && !dryRun)),
                ("text", .string(installed.text)), ("next", installed.next.map(JSON.string)),
            ])
        let state = dryRun ? "would write" : installed.isChanged ? "wrote" : "unchanged:"
        try session.console.show(
            document, names: [installed.place],
            text: dryRun
                ? installed.text : "\(state) \(installed.place)\n" + (installed.next.map { "next: \($0)\n" } ?? ""))
        return .done
    }

    private struct Installed {
        let place: String
        let text: String
        let isChanged: Bool
        var next: String?
    }

    private func intoCrontab(_ command: InstalledCommand) throws(Failure) -> Installed {
        let crontab = try Crontab()
        let old = try crontab.read()
        let block = CronBlock(configuration: command.configuration, line: try command.cronLine())
        let new = try block.inserted(into: old)
        if new != old, !dryRun { try crontab.replace(old, by: new) }
        return Installed(place: "your crontab", text: String(decoding: new, as: UTF8.self), isChanged: new != old)
    }

    private func intoCronFile(_ path: String, _ command: InstalledCommand) throws(Failure) -> Installed {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard name.utf8.allSatisfy({ $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "~") }) else {
            throw Failure(
                .usage, "cron would not read \(path)", why: "it passes over files with a dot in their name (cron(8))",
                next: "choose a name of letters, digits, - and _")
        }
        let user = try ownName()
        let text = """
            \(InstalledFile.cronMark)
            SHELL=/bin/sh
            \(try command.cronLine(user: user))

            """
        return try write(text, to: path, mark: InstalledFile.cronMark, next: nil)
    }

    private func intoUnit(_ command: InstalledCommand) throws(Failure) -> Installed {
        let isForUser = geteuid() != 0
        let path = try unitFile == nil ? InstalledFile.unitPath() : absolutePath(unitFile ?? "")
        let unit = try SystemdUnit(command: command.words("serve"), isForUser: isForUser).text()
        let control = isForUser ? "systemctl --user" : "systemctl"
        let service = path.split(separator: "/").last.map(String.init) ?? ""
        return try write(
            unit, to: path, mark: SystemdUnit.mark,
            next: "\(control) daemon-reload && \(control) enable --now \(service)")
    }

    private func write(_ text: String, to path: String, mark: String, next: String?) throws(Failure) -> Installed {
        let old = try InstalledFile(path, mark: mark).text()
        if old != text, !dryRun {
            let folder = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            try createDirectory(folder.isEmpty ? "/" : folder, mode: 0o755)
            // cron and systemd read it as another user may; it holds no secret.
            try durablyWrite(Array(text.utf8), to: path, mode: 0o644, replacing: true)
        }
        return Installed(place: path, text: text, isChanged: old != text, next: next)
    }

    private func ownName() throws(Failure) -> String {
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else {
            throw Failure(.failed, "the user \(geteuid()) has no name", next: "use --cron or --systemd")
        }
        return String(cString: name)
    }
}

/// An absolute path, from here.
func absolutePath(_ path: String) throws(Failure) -> String {
    path.hasPrefix("/") ? path : "\(try realPath("."))/\(path)"
}
