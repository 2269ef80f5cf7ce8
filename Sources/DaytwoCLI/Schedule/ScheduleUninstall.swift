import Archive
import ArgumentParser
import Failures
import Files
import Foundation
import JSONValues

/// `daytwo schedule uninstall`.
struct ScheduleUninstall: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "uninstall", abstract: "Take the schedules away from cron or systemd.",
        discussion: "Only what daytwo wrote is removed. Backups, jobs and history stay.",
        exits: [.refused, .denied, .notFound])

    @Flag(help: "The block in the crontab of the user who runs this.")
    var cron = false

    @Option(help: ArgumentHelp("The file of its own, such as /etc/cron.d/daytwo.", valueName: "file"))
    var cronFile: String?

    @Flag(help: "The systemd service.")
    var systemd = false

    @Option(help: ArgumentHelp("Where the unit is (default: the machine's or the user's place).", valueName: "file"))
    var unitFile: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let wantsCron = cron || cronFile != nil
        guard wantsCron != (systemd || unitFile != nil) else {
            throw Failure(.usage, "it is not said from where", next: "give one of --cron and --systemd")
        }
        let place: String
        let isRemoved: Bool
        if let cronFile {
            place = try absolutePath(cronFile)
            isRemoved = try remove(InstalledFile(place, mark: InstalledFile.cronMark))
        } else if wantsCron {
            place = "your crontab"
            isRemoved = try removeBlock(session)
        } else {
            place = try unitFile == nil ? InstalledFile.unitPath() : absolutePath(unitFile ?? "")
            isRemoved = try remove(InstalledFile(place, mark: SystemdUnit.mark))
        }
        if systemd || unitFile != nil, isRemoved {
            session.console.note("the service still runs until: systemctl disable --now daytwo-scheduler")
        }
        let document = JSON.document(
            "ScheduleInstallation", [("place", .string(place)), ("changed", .bool(isRemoved))])
        try session.console.show(
            document, names: [place], text: isRemoved ? "removed from \(place)\n" : "nothing of daytwo in \(place)\n")
        return .done
    }

    private func remove(_ file: InstalledFile) throws(Failure) -> Bool {
        guard try file.text() != nil else { return false }
        try removeTree(file.path)
        return true
    }

    /// The configuration may be gone or broken by now: its path is enough to find the block.
    private func removeBlock(_ session: Session) throws(Failure) -> Bool {
        guard let place = try Places.configuration(told: global.config) else {
            throw Failure(
                .usage, "it is not said which configuration's block", next: "give --config FILE as it was installed")
        }
        let path = try FileStatus.ifPresent(place.path) == nil ? absolutePath(place.path) : realPath(place.path)
        let crontab = try Crontab()
        let old = try crontab.read()
        guard let new = try CronBlock(configuration: path, line: "").removed(from: old) else { return false }
        try crontab.replace(old, by: new)
        return true
    }
}
