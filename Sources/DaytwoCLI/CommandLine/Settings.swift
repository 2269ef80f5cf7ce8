import Failures
import Files
import Foundation
import Policies
import Synchronization

/// The configuration that a command runs with, read when it is first asked for.
final class Settings: Sendable {
    /// `--config`.
    let toldConfiguration: String?
    private let toldStateDirectory: String?
    private let loaded = Mutex<Result<DaytwoConfiguration?, Failure>?>(nil)

    /// `stateDirectory` goes before what the options say.
    init(_ global: GlobalOptions, stateDirectory: String? = nil) {
        toldConfiguration = global.config
        toldStateDirectory = stateDirectory ?? global.stateDir
    }

    /// The configuration; nil when there is none. Throws `usage` with everything that is wrong in it.
    func configuration() throws(Failure) -> DaytwoConfiguration? {
        try loaded.withLock { loaded in
            let result = loaded ?? read()
            loaded = result
            return result
        }.get()
    }

    /// Reads it again, for a command that runs for hours; throws what is wrong in it now, and goes on with what was read before.
    func renew() throws(Failure) {
        let result = read()
        _ = try result.get()
        loaded.withLock { $0 = result }
    }

    private func read() -> Result<DaytwoConfiguration?, Failure> {
        do throws(Failure) {
            let place = try Places.configuration(told: toldConfiguration)
            return .success(
                try place.map { place throws(Failure) in
                    try DaytwoConfiguration.load(path: place.path, now: WallClock.now)
                })
        } catch {
            return .failure(error)
        }
    }

    /// The configuration, for a command that cannot do without.
    func requireConfiguration() throws(Failure) -> DaytwoConfiguration {
        if let configuration = try configuration() { return configuration }
        throw Failure(
            .usage, "there is no configuration", why: "schedules and the fleet stand in daytwo.yaml",
            next: "make one with: daytwo config init; or name one with --config FILE")
    }

    /// The configuration, for a command that can do without: one that is broken and was not asked for stops no rescue.
    func optionalConfiguration(_ console: Console) throws(Failure) -> DaytwoConfiguration? {
        do throws(Failure) {
            return try configuration()
        } catch {
            guard toldConfiguration == nil else { throw error }
            console.warn("the configuration is not used: \(error.brief)")
            return nil
        }
    }

    /// The directory of jobs, schedules' state and history.
    func stateDirectory() throws(Failure) -> Places.Origin {
        let isKnown = toldStateDirectory != nil || Environment.stateDirectory.value != nil
        let configured = isKnown ? nil : try configuration()
        return try Places.stateDirectory(
            told: toldStateDirectory,
            configured: configured.flatMap { configuration in
                configuration.stateDirectory.map { Places.Origin(path: $0, source: configuration.path) }
            })
    }
}

extension Failure {
    /// The failure in one line; of the many problems of a configuration only where to see them.
    var brief: String {
        guard cause is DocumentProblems else { return description }
        let first = what.split(whereSeparator: \.isNewline).first ?? ""
        return "\(first) see: daytwo config validate"
    }
}
