public import FoundationEssentials

/// Decides what of a catalog is kept, from the records alone: pure, and the same for the same input.
///
/// Each identity is taken for itself. Whatever the rules say, these stay: pinned ones, the newest verified good one, the
/// newest good one, a partial one that is newer than that, one whose loss of keys was acknowledged while older ones are
/// there, what something kept needs, what is dated in the future, everything of a frozen identity, and what is above the
/// share that one run may drop. An archive with problems counts for no rule; only `maxAge` drops it, and only
/// where a sound and complete one is newer.
///
/// Periods are those of restic's `forget`: from new to old, the newest archive of each period that has one, until the
/// rule's number is reached; while it is not, the oldest archive is kept as well. Unlike there, a partial one stands for
/// its period only where no complete one does.
public enum RetentionPlanner {
    /// Plans for candidates of any number of identities; periods are those of `zone`.
    public static func plan(
        candidates: [RetentionCandidate], rules: RetentionRules, zone: TimeZoneRules, now: Date,
        options: RetentionOptions = RetentionOptions()
    ) -> RetentionPlan {
        let groups = Dictionary(grouping: candidates, by: \.identity).sorted { $0.key < $1.key }
        var verdicts: [IdentityVerdict] = []
        for (identity, members) in groups {
            var verdict = IdentityVerdict(
                identity: identity, newestFirst: members.sorted { RetentionCandidate.isOlder($1, $0) })
            verdict.judge(rules, zone, now, options)
            verdicts.append(verdict)
        }
        keepParents(&verdicts)
        for index in verdicts.indices { verdicts[index].bound(options) }
        // What is left for later needs its parents as well.
        keepParents(&verdicts)
        return RetentionPlan(
            decisions: verdicts.flatMap(\.decisions), frozen: verdicts.compactMap(\.freeze),
            drops: dropsInOrder(verdicts))
    }

    /// Keeps what something kept needs, over any number of steps.
    private static func keepParents(_ verdicts: inout [IdentityVerdict]) {
        var places: [String: [(verdict: Int, member: Int)]] = [:]
        for (number, verdict) in verdicts.enumerated() {
            for (index, member) in verdict.newestFirst.enumerated() {
                places[member.id, default: []].append((number, index))
            }
        }
        var pending: [RetentionCandidate] = verdicts.flatMap { verdict in
            verdict.newestFirst.indices.filter { verdict.dropReasons[$0] == nil }.map { verdict.newestFirst[$0] }
        }
        while let child = pending.popLast() {
            for place in child.parent.flatMap({ places[$0] }) ?? [] {
                let wasDropped = verdicts[place.verdict].dropReasons[place.member] != nil
                verdicts[place.verdict].keep(place.member, .parent(of: child.id))
                if wasDropped { pending.append(verdicts[place.verdict].newestFirst[place.member]) }
            }
        }
    }

    private static func dropsInOrder(_ verdicts: [IdentityVerdict]) -> [RetentionCandidate] {
        verdicts.flatMap { verdict in
            verdict.newestFirst.indices.reversed().filter { verdict.dropReasons[$0] != nil }
                .map { verdict.newestFirst[$0] }
        }
        .sortedChildrenFirst()
    }
}

extension [RetentionCandidate] {
    /// From old to new, but each after all that need it. What refers to itself in a circle comes last.
    func sortedChildrenFirst() -> [RetentionCandidate] {
        let oldestFirst = sorted(by: RetentionCandidate.isOlder)
        var places: [String: Int] = [:]
        for (index, candidate) in oldestFirst.enumerated() { places[candidate.id] = index }
        let parents = oldestFirst.map { $0.parent.flatMap { places[$0] } }
        var children = [Int](repeating: 0, count: oldestFirst.count)
        for case let parent? in parents { children[parent] += 1 }
        var ready = oldestFirst.indices.filter { children[$0] == 0 }
        var ordered: [RetentionCandidate] = []
        var taken = 0
        while taken < ready.count {
            let index = ready[taken]
            taken += 1
            ordered.append(oldestFirst[index])
            guard let parent = parents[index] else { continue }
            children[parent] -= 1
            guard children[parent] == 0 else { continue }
            // The oldest of those that are free goes first.
            let place = ready[taken...].firstIndex { $0 > parent } ?? ready.endIndex
            ready.insert(parent, at: place)
        }
        return ordered + oldestFirst.indices.filter { children[$0] > 0 }.map { oldestFirst[$0] }
    }
}
