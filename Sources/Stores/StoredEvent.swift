public import Failures
public import FoundationEssentials
public import JSONValues

/// Something that happened to an archive after it was stored. Events are only ever added.
public struct StoredEvent: Sendable, Hashable {
    /// How far an archive was proved to be good.
    public enum Level: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Read back, and equal to what was written.
        case stored
        /// Decrypted, its database opened and compared.
        case opened
        /// A k3s ran from it.
        case drilled

        /// Orders by how much is proved.
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .stored: 0
            case .opened: 1
            case .drilled: 2
            }
        }
    }

    /// The words of ``what``.
    public static let verified = "verified"
    /// No rule of retention may remove it.
    public static let pinned = "pinned"
    /// Retention may remove it again.
    public static let unpinned = "unpinned"
    /// The ``result`` of what is all right.
    public static let ok = "ok"

    /// When it happened, to the second.
    public var at: Date
    /// What happened: `verified`, `pinned`, `unpinned`, `copied`, `deleting`, or a word of a newer version.
    public var what: String
    /// How far it was proved; for `verified`.
    public var level: Level?
    /// What came out: `ok`, or what was wrong.
    public var result: String
    /// Which version of daytwo, and where there is one, who.
    public var by: String
    /// Members that this version does not know.
    public var other: [String: JSONValue] = [:]

    /// Creates an event.
    public init(at: Date, what: String, level: Level? = nil, result: String = StoredEvent.ok, by: String) {
        self.at = UTCTime.wholeSecond(at)
        self.what = what
        self.level = level
        self.result = result
        self.by = by
    }

    /// Reads an event.
    public init(bytes: [UInt8]) throws(Failure) {
        var json = try JSONObject(bytes: bytes, "the event")
        at = try json.date("at")
        what = try json.string("what")
        level = try json.optionalEnum("level", Level.self)
        result = try json.string("result")
        by = try json.string("by")
        other = json.rest
    }

    /// The event as JSON.
    public func bytes() -> [UInt8] {
        var json = other
        json["at"] = .string(UTCTime.string(at))
        json["what"] = .string(what)
        json["level"] = level.map { .string($0.rawValue) }
        json["result"] = .string(result)
        json["by"] = .string(by)
        return JSONObject.bytes(json)
    }
}

/// The events of an archive, in order, and what could not be read of them.
public struct EventLog: Sendable {
    /// The events, the oldest first.
    public var events: [StoredEvent] = []
    /// Events that are damaged, with the reason.
    public var problems: [String] = []

    /// Creates a log.
    public init(events: [StoredEvent] = [], problems: [String] = []) {
        self.events = events
        self.problems = problems
    }
}

extension EventLog {
    /// The event that pinned the archive; nil when it is not, or not any more.
    public var pin: StoredEvent? {
        guard let last = events.last(where: { $0.what == StoredEvent.pinned || $0.what == StoredEvent.unpinned })
        else { return nil }
        return last.what == StoredEvent.pinned ? last : nil
    }

    /// Whether it is pinned, or one of the events that cannot be read may say so.
    public var mayBePinned: Bool {
        if pin != nil { return true }
        return !problems.isEmpty && !events.contains { $0.what == StoredEvent.unpinned }
    }

    /// The highest level that the archive was proved at, as long as it was not found wrong since.
    public var proof: StoredEvent? {
        let verifications = events.filter { $0.what == StoredEvent.verified }
        let fault = verifications.lastIndex { $0.result != StoredEvent.ok }
        return verifications[(fault.map { $0 + 1 } ?? 0)...].max { left, right in
            (left.level ?? .stored, left.at) < (right.level ?? .stored, right.at)
        }
    }

    /// What the last verification found wrong; nil when it found nothing wrong.
    public var fault: StoredEvent? {
        guard let last = events.last(where: { $0.what == StoredEvent.verified }), last.result != StoredEvent.ok
        else { return nil }
        return last
    }
}
