/// Who works on a cluster, as others read it.
public struct LeaseHolder: Sendable {
    /// For people: `alice@desk: backup`.
    public let name: String
    /// The process, so that another on the same machine can tell whether it lives; nil where nobody can.
    public let process: String?
    /// Whether a process is known to be gone.
    public let isGone: @Sendable (String) -> Bool

    /// Names a holder.
    public init(name: String, process: String?, isGone: @escaping @Sendable (String) -> Bool) {
        self.name = name
        self.process = process
        self.isGone = isGone
    }
}
