public import Failures
public import Foundation
import JSONValues
public import Stores

/// What a store says of the backups of one cluster: derived from what lies there, whoever put it there.
public struct StoredFacts: Sendable {
    /// The newest backup that can be relied on; partial ones count.
    public private(set) var newest: CatalogEntry?
    /// The newest one in which nothing is missing.
    public private(set) var newestComplete: CatalogEntry?
    /// When one of its backups was last proved, by level; a higher level proves the lower ones.
    public private(set) var verifiedAt: [StoredEvent.Level: Date] = [:]
    /// When one was last restored in a drill.
    public private(set) var drilledAt: Date?
    /// What that restore took.
    public private(set) var drillDuration: Duration?
    /// How many backups there are, sound or not.
    public private(set) var count = 0
    /// Their bytes.
    public private(set) var bytes: UInt64 = 0
    /// Backups that are dated in the future, and count for nothing.
    public private(set) var fromTheFuture: [CatalogEntry] = []
    /// What is wrong with backups, and with the folder.
    public private(set) var problems: [String] = []

    /// How far clocks of two machines may be apart.
    public static let clockTolerance: TimeInterval = 300

    /// Looks at the newest backups first, and at no more events than needed: those of the newest sound ones tell nearly all.
    public init(of cluster: ClusterPath, in store: any ArchiveStore, now: Date) throws(Failure) {
        let catalog = try store.list(cluster)
        problems = catalog.problems
        count = catalog.entries.count
        bytes = catalog.entries.reduce(0) { $0 + $1.size }
        for entry in catalog.entries.reversed() {
            if entry.createdAt > now + Self.clockTolerance {
                fromTheFuture.append(entry)
                continue
            }
            guard entry.problems.isEmpty else {
                problems += entry.problems.map { "\(entry.location): \($0)" }
                continue
            }
            if newest != nil, newestComplete != nil, isAllProved { break }
            try add(entry, try store.events(of: entry))
        }
    }

    private var isAllProved: Bool { verifiedAt[.opened] != nil && drilledAt != nil }

    private mutating func add(_ entry: CatalogEntry, _ log: EventLog) throws(Failure) {
        if let fault = log.fault {
            problems.append("\(entry.location): failed verification: \(fault.result)")
            return
        }
        // A copy of what a restore was about to replace is no backup that anybody was promised.
        if entry.record?.purpose != .safety {
            if newest == nil { newest = entry }
            if newestComplete == nil, entry.record?.result == .complete { newestComplete = entry }
        }
        for event in log.events where event.result == StoredEvent.ok {
            if event.what == StoredEvent.verified {
                for level in StoredEvent.Level.allCases where level <= event.level ?? .stored {
                    verifiedAt[level] = max(verifiedAt[level] ?? .distantPast, event.at)
                }
            } else if event.what == Drill.event, event.at > drilledAt ?? .distantPast {
                drilledAt = event.at
                if let milliseconds = event.other[Drill.duration]?.integerValue {
                    drillDuration = .milliseconds(milliseconds)
                }
            }
        }
    }
}
