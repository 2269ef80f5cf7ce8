/// Pauses between looks at a host: short at first, since a control plane is away for as long as it waits for us, and longer
/// for what takes its time, since a host has others to answer. One is about a fifth of all before it, so that as little is waited
/// in vain.
struct GrowingPause {
    private static let longest = Duration.seconds(1)
    private var next = Duration.milliseconds(25)

    /// The next pause.
    mutating func grow() -> Duration {
        defer { next = min(next * 6 / 5, Self.longest) }
        return next
    }
}
