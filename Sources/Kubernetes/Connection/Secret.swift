/// A text that nothing shows: no message, no log line, no debugger's description.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself.
    public let value: String

    /// Hides a text.
    public init(_ value: String) { self.value = value }

    /// Says nothing of what it holds.
    public var description: String { "(secret)" }
    /// Says nothing of what it holds.
    public var debugDescription: String { "(secret)" }
    /// Shows nothing of what it holds.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
