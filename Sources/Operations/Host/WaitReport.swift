/// Tells what a wait on a host is for, when it takes more than a moment: whoever restores in the middle of an incident sees
/// what it hangs on, and not only at its end.
struct WaitReport {
    private static let patience = Duration.seconds(5)
    private static let interval = Duration.seconds(15)

    private let what: String
    private let limit: Duration
    private let context: OperationContext
    private let start: Duration
    private var told: (why: String, at: Duration)?

    /// `what` is waited for, at most for `limit`.
    init(_ what: String, atMost limit: Duration, _ context: OperationContext) {
        self.what = what
        self.limit = limit
        self.context = context
        start = context.uptime()
    }

    /// Says why it still waits: soon when that is new, else now and then.
    mutating func tell(_ why: String) {
        let now = context.uptime()
        let pause = why == told?.why ? Self.interval : Self.patience
        guard now - (told?.at ?? start) >= pause else { return }
        told = (why, now)
        let (passed, all) = ((now - start).components.seconds, limit.components.seconds)
        context.report(.step("\(what): \(why) (\(passed) of at most \(all) s)"))
    }
}
