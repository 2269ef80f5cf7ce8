import Failures

/// The exit codes of every command, and the only place where a failure gets one.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    case failed = 1
    case changes = 2
    case partial = 3
    case refused = 4
    case verificationFailed = 5
    case locked = 6
    case unreachable = 7
    case rolledBack = 8
    case halfWay = 9
    case denied = 10
    case notFound = 11
    case usage = 64
    case interrupted = 130
    case terminated = 143

    /// The codes that any command can end with.
    static let always: [ExitStatus] = [.done, .failed, .usage, .interrupted, .terminated]

    init(_ code: Failure.Code) {
        self =
            switch code {
            case .failed: .failed
            case .partial: .partial
            case .refused: .refused
            case .verificationFailed: .verificationFailed
            case .locked: .locked
            case .unreachable: .unreachable
            case .rolledBack: .rolledBack
            case .halfWay: .halfWay
            case .denied: .denied
            case .notFound: .notFound
            case .usage: .usage
            }
    }

    /// A monitoring plugin's code, which has other meanings: only `doctor --check` ends with it.
    init(monitor code: Int32) {
        self = ExitStatus(rawValue: code) ?? .failed
    }

    /// A failure that only says that a person stopped the command ends as signals end commands.
    init(_ failure: Failure) {
        if failure.code == .failed, let signal = failure.stopSignal {
            self = signal.exitStatus
        } else {
            self.init(failure.code)
        }
    }

    /// The worst first: what is left behind, what is damaged, what failed, what only lacks something.
    private static let bySeverity: [ExitStatus] = [
        .interrupted, .terminated, .halfWay, .rolledBack, .verificationFailed, .failed, .denied, .refused, .notFound,
        .unreachable, .locked, .usage, .partial, .changes, .done,
    ]

    /// The worst of several; `done` of none.
    static func worst(of statuses: [ExitStatus]) -> ExitStatus {
        bySeverity.first(where: statuses.contains) ?? .done
    }

    /// What it means, for the help.
    var meaning: String {
        switch self {
        case .done: "done, all of it"
        case .failed: "failed"
        case .changes: "plan --detailed-exitcode only: there is something to do"
        case .partial: "partial: finished, and something named is missing"
        case .refused: "refused: a check said no; nothing was changed"
        case .verificationFailed: "verification failed: not what it should be"
        case .locked: "locked: another job works on the same cluster or store"
        case .unreachable: "no answer from a host or store: worth a retry"
        case .rolledBack: "rolled back: it failed, and the state from before is back"
        case .halfWay: "stopped half-way: run the resume or rollback that is named"
        case .denied: "credentials or rights refused: a retry will not help"
        case .notFound: "no such cluster, backup, schedule or entry"
        case .usage: "usage"
        case .interrupted: "interrupted; the message says how to go on"
        case .terminated: "terminated; the message says how to go on"
        }
    }

    /// The end of a command's help: the codes that it can end with.
    static func section(_ particular: [ExitStatus]) -> String {
        "EXIT STATUS:\n" + table(allCases.filter { always.contains($0) || particular.contains($0) })
    }

    /// Codes with their meanings, one a line.
    static func table(_ statuses: [ExitStatus]) -> String {
        statuses.map { status in
            let code = String(status.rawValue)
            return "  " + code + String(repeating: " ", count: 5 - code.count) + status.meaning
        }.joined(separator: "\n")
    }
}
