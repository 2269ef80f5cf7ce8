import Failures
import Foundation
import Synchronization

/// A signal by which a person asks a command to stop, or to tell how far it is.
///
/// The handler only notes it; operations ask between steps. The second one of a kind ends the process at once.
enum StopSignal: Int32, Error {
    case interrupt = 2
    case terminate = 15

    private static let noted = Atomic<Int32>(0)
    private static let progressWanted = Atomic<Bool>(false)

    var exitStatus: ExitStatus {
        switch self {
        case .interrupt: .interrupted
        case .terminate: .terminated
        }
    }

    /// Notes signals from now on. A reader of our output that goes away is an error of the write, not a signal.
    static func install() {
        // Made before a handler may need them.
        noted.store(0, ordering: .relaxed)
        progressWanted.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            handle(number, flags: SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))) { number in
                StopSignal.noted.store(number, ordering: .relaxed)
            }
        }
        handle(SIGUSR1, flags: SA_RESTART) { _ in StopSignal.progressWanted.store(true, ordering: .relaxed) }
        signal(SIGPIPE, SIG_IGN)
    }

    private static func handle(_ number: Int32, flags: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        // Whoever started us with a signal ignored (nohup, a shell's &) does not mean us to hear it.
        if sigaction(number, nil, &action) == 0, unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        {
            return
        }
        action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        action.sa_flags = flags
        sigaction(number, &action, nil)
    }

    /// The signal that came, if one did.
    static var current: StopSignal? { StopSignal(rawValue: noted.load(ordering: .relaxed)) }

    /// Whether somebody asked for a line of progress since the last time.
    static func takeProgressRequest() -> Bool { progressWanted.exchange(false, ordering: .relaxed) }

    /// Throws when a signal came; `next` says how to go on.
    static func check(next: String) throws(Failure) {
        guard let signal = current else { return }
        throw Failure(
            .failed, signal == .interrupt ? "interrupted" : "terminated",
            why: "a signal asked to stop", next: next, cause: signal)
    }
}

extension Failure {
    /// The signal beneath this failure, if that is what it came from.
    var stopSignal: StopSignal? {
        var current: (any Error)? = self
        while let error = current {
            if let signal = error as? StopSignal { return signal }
            current = (error as? Failure)?.cause
        }
        return nil
    }
}
