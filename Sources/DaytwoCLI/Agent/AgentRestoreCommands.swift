import ArgumentParser
import Failures
import Operations

// What an agent does of a restore, for whoever speaks its protocol on stdin.

/// `daytwo agent restore-plan`.
struct AgentRestorePlan: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "restore-plan", abstract: "Tell what a restore would do, over stdin and stdout.",
        exits: [.refused, .verificationFailed, .unreachable, .denied, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "plan the restore again").finish(
            .restorePlan)
    }
}

/// `daytwo agent restore-run`.
struct AgentRestoreRun: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "restore-run", abstract: "Restore an archive that comes over stdin.",
        exits: [
            .partial, .refused, .verificationFailed, .locked, .unreachable, .rolledBack, .halfWay, .denied, .notFound,
        ],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "run the restore again").finish(.restoreRun)
    }
}

/// `daytwo agent restore-resume`.
struct AgentRestoreResume: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "restore-resume", abstract: "Finish a restore that was interrupted.",
        exits: [.partial, .refused, .verificationFailed, .locked, .unreachable, .halfWay, .denied, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "resume the restore again").finish(
            .restoreResume)
    }
}

/// `daytwo agent restore-rollback`.
struct AgentRestoreRollback: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "restore-rollback", abstract: "Bring back the set from before a restore.",
        exits: [.refused, .locked, .unreachable, .halfWay, .denied, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "roll back again").finish(.restoreRollback)
    }
}

/// `daytwo agent restore-list`.
struct AgentRestoreList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "restore-list", abstract: "Tell the restores of the data directory, over stdin and stdout.",
        exits: [.refused, .unreachable, .denied, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "ask again").finish(.restoreList)
    }
}

/// `daytwo agent set-aside`.
struct AgentSetAside: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "set-aside", abstract: "Keep a copy of the stopped server on its volume.",
        exits: [.refused, .verificationFailed, .unreachable, .denied, .notFound], isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "set it aside again").finish(.setAside)
    }
}

/// `daytwo agent drop-aside`.
struct AgentDropAside: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "drop-aside", abstract: "Remove copies that were set aside.", exits: [.unreachable, .denied, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "remove them again").finish(.dropAside)
    }
}
