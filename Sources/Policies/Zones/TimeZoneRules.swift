public import Failures
public import FoundationEssentials

/// The offsets of one time zone from UTC, over all time, from the zone data of the machine.
///
/// Read from TZif files (RFC 9636), because Debian's tzdata is kept up to date with the decisions of governments.
public struct TimeZoneRules: Sendable, Hashable {
    /// Where Debian's package tzdata puts its files.
    public static let standardDirectory = "/usr/share/zoneinfo"
    /// Coordinated universal time, which needs no file.
    public static let utc = TimeZoneRules(name: "UTC", initialOffset: 0, changes: [], footer: nil)

    /// The IANA name, as it was given.
    public let name: String
    /// Seconds east of UTC before the first change.
    let initialOffset: Int
    /// In ascending order, each really changing the offset.
    let changes: [Change]
    /// What holds after the last change; nil where the last offset stays for ever.
    let footer: PosixTimeZone?

    struct Change: Sendable, Hashable {
        /// Seconds since 1970.
        var at: Int
        /// Seconds east of UTC from then on.
        var offset: Int
    }

    init(name: String, initialOffset: Int, changes: [Change], footer: PosixTimeZone?) {
        self.name = name
        self.initialOffset = initialOffset
        self.footer = footer
        var kept: [Change] = []
        for change in changes where change.offset != (kept.last?.offset ?? initialOffset) { kept.append(change) }
        self.changes = kept
    }

    /// Reads the zone of an IANA name like `Europe/Berlin`; `UTC` needs no file.
    ///
    /// Throws `.usage` for a name that is none, with the one that was probably meant; `.failed` where the machine has
    /// no zone data or a damaged file.
    public init(named name: String, in directory: String = standardDirectory) throws(Failure) {
        if name == "UTC" || name == "Etc/UTC" {
            self.init(name: name, initialOffset: 0, changes: [], footer: nil)
            return
        }
        let bytes = try ZoneDirectory(directory).bytes(of: name)
        do throws(Failure) {
            try self.init(name: name, zoneFile: bytes)
        } catch {
            throw Failure(
                .failed, "the zone data of \(name) in \(directory) cannot be used", why: error.description,
                next: "Reinstall the package tzdata.", cause: error)
        }
    }

    /// Seconds east of UTC at a time.
    public func offset(at time: Date) -> Int { span(at: Self.seconds(time)).offset }

    /// What a clock on the wall shows at a time.
    public func localTime(at time: Date) -> LocalTime {
        let seconds = Self.seconds(time)
        return LocalTime(secondsSinceEpoch: seconds + span(at: seconds).offset)
    }

    /// The times at which a clock on the wall shows `local`: one as a rule, none in a gap, two where an hour repeats.
    public func instants(of local: LocalTime) -> [Date] {
        let wanted = local.secondsSinceEpoch
        var instants: [Date] = []
        // No offset is further from UTC than the bounds that files are checked for.
        var span = span(at: wanted - PosixTimeZone.largestOffset)
        while true {
            let instant = wanted - span.offset
            if instant >= span.start, instant < span.end { instants.append(Self.date(instant)) }
            guard span.end <= wanted + PosixTimeZone.largestOffset else { return instants }
            span = self.span(at: span.end)
        }
    }

    /// The first change of the offset after a time; nil when there is none.
    public func transition(after time: Date) -> ZoneTransition? {
        let end = span(at: Self.seconds(time)).end
        return end == .max ? nil : transition(into: span(at: end))
    }

    /// The last change of the offset not after a time; nil when there is none.
    public func transition(notAfter time: Date) -> ZoneTransition? { transition(into: span(at: Self.seconds(time))) }

    private func transition(into span: OffsetSpan) -> ZoneTransition? {
        span.previousOffset.map {
            ZoneTransition(at: Self.date(span.start), offsetBefore: $0, offsetAfter: span.offset)
        }
    }

    /// Whole seconds since 1970, rounded down, and kept within what calendars can compute.
    static func seconds(_ time: Date) -> Int {
        let seconds = time.timeIntervalSince1970.rounded(.down)
        guard !seconds.isNaN else { return 0 }
        return Int(min(max(seconds, Double(-farthest)), Double(farthest)))
    }

    static func date(_ seconds: Int) -> Date { Date(timeIntervalSince1970: Double(seconds)) }

    /// About the year 30,000.
    static let farthest = 900_000_000_000
}

/// A change of a zone's offset.
public struct ZoneTransition: Sendable, Hashable {
    /// The first moment of the new offset.
    public let at: Date
    /// Seconds east of UTC before.
    public let offsetBefore: Int
    /// Seconds east of UTC from then on.
    public let offsetAfter: Int
}

/// A stretch of time with one offset.
struct OffsetSpan {
    /// The first second; `.min` when there was no change before.
    var start: Int
    /// The second after the last; `.max` when there is no change after.
    var end: Int
    /// Seconds east of UTC.
    var offset: Int
    /// The offset before `start`; nil when there was no change before.
    var previousOffset: Int?
}

extension TimeZoneRules {
    /// The stretch that a time (seconds since 1970) lies in.
    func span(at time: Int) -> OffsetSpan {
        if let footer, footer.daylight != nil, time >= changes.last?.at ?? .min {
            return span(at: time, after: footer)
        }
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= time { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else {
            return OffsetSpan(start: .min, end: endOfTable(0), offset: initialOffset, previousOffset: nil)
        }
        return OffsetSpan(
            start: changes[low - 1].at, end: endOfTable(low), offset: changes[low - 1].offset,
            previousOffset: low > 1 ? changes[low - 2].offset : initialOffset)
    }

    private func endOfTable(_ index: Int) -> Int { index < changes.count ? changes[index].at : .max }

    private func span(at time: Int, after footer: PosixTimeZone) -> OffsetSpan {
        let lastKnown = changes.last?.at ?? .min
        var span = OffsetSpan(
            start: lastKnown, end: .max, offset: changes.last?.offset ?? initialOffset,
            previousOffset: changes.isEmpty
                ? nil : changes.count > 1 ? changes[changes.count - 2].offset : initialOffset)
        for change in footer.changes(around: time) where change.at > lastKnown && change.offset != span.offset {
            if change.at > time {
                span.end = change.at
                return span
            }
            span = OffsetSpan(start: change.at, end: .max, offset: change.offset, previousOffset: span.offset)
        }
        return span
    }
}
