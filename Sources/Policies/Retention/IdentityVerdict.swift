internal import FoundationEssentials

/// The archives of one identity while they are judged.
struct IdentityVerdict {
    let identity: RetentionIdentity
    let newestFirst: [RetentionCandidate]
    private(set) var keepReasons: [[RetentionReason]]
    /// Why one is dropped; nil for what stays.
    private(set) var dropReasons: [RetentionReason?]
    private(set) var freeze: RetentionFreeze?

    init(identity: RetentionIdentity, newestFirst: [RetentionCandidate]) {
        self.identity = identity
        self.newestFirst = newestFirst
        keepReasons = Array(repeating: [], count: newestFirst.count)
        dropReasons = Array(repeating: nil, count: newestFirst.count)
    }

    var decisions: [RetentionDecision] {
        newestFirst.indices.map { index in
            RetentionDecision(
                candidate: newestFirst[index], keep: dropReasons[index] == nil,
                reasons: dropReasons[index].map { [$0] } ?? keepReasons[index])
        }
    }

    /// How long somebody may still want what a restore replaced.
    private static let safetyAge: TimeInterval = 14 * 86_400

    mutating func keep(_ index: Int, _ reason: RetentionReason) {
        dropReasons[index] = nil
        if !keepReasons[index].contains(reason) { keepReasons[index].append(reason) }
    }

    /// What a limit drops, no rule keeps any more.
    private mutating func drop(_ index: Int, _ reason: RetentionReason) {
        keepReasons[index] = []
        dropReasons[index] = reason
    }

    mutating func judge(_ rules: RetentionRules, _ zone: TimeZoneRules, _ now: Date, _ options: RetentionOptions) {
        let isFuture = newestFirst.map { $0.createdAt > now.addingTimeInterval(options.clockSkew) }
        let sound = newestFirst.indices.filter { newestFirst[$0].isSound && !isFuture[$0] }
        // Where there is nothing else, they are what there is.
        let isAlone = sound.allSatisfy { newestFirst[$0].isSafetyCopy }
        let counted = sound.filter { isAlone || !newestFirst[$0].isSafetyCopy }
        if rules.isEmpty {
            for index in newestFirst.indices { keep(index, .noRules) }
        } else {
            apply(rules, to: counted, zone)
            if !isAlone { judgeSafetyCopies(sound, rules, now) }
            limit(rules, counted, isFuture, now)
        }
        protect(counted, isFuture, options)
        freeze = freeze(counted, options)
        if let freeze {
            for index in newestFirst.indices { keep(index, .frozen(freeze.description)) }
        }
    }

    /// The rules that keep; where none is set, only limits drop.
    private mutating func apply(_ rules: RetentionRules, to counted: [Int], _ zone: TimeZoneRules) {
        guard rules.hasKeepRules else {
            for index in counted { keep(index, .belowLimits) }
            return
        }
        for index in counted { dropReasons[index] = .noRuleKeeps }
        if let count = rules.keepLast { keepLast(count, of: counted) }
        if let seconds = rules.keepWithin, let newest = counted.first {
            let start = newestFirst[newest].createdAt.addingTimeInterval(-seconds)
            for index in counted where newestFirst[index].createdAt >= start { keep(index, .within(seconds)) }
        }
        let periods: [(RetentionReason.Period, Int?)] = [
            (.hourly, rules.keepHourly), (.daily, rules.keepDaily), (.weekly, rules.keepWeekly),
            (.monthly, rules.keepMonthly), (.yearly, rules.keepYearly),
        ]
        let local = counted.map { zone.localTime(at: newestFirst[$0].createdAt) }
        for (period, count) in periods {
            if let count { keepNewest(count, of: period, counted, local) }
        }
    }

    /// Copies of what a restore replaced stay for a while, whatever the rules, and then none keeps them.
    private mutating func judgeSafetyCopies(_ sound: [Int], _ rules: RetentionRules, _ now: Date) {
        for index in sound where newestFirst[index].isSafetyCopy {
            if newestFirst[index].createdAt > now.addingTimeInterval(-Self.safetyAge) {
                keep(index, .safetyCopy(Self.safetyAge))
            } else if rules.hasKeepRules {
                dropReasons[index] = .noRuleKeeps
            } else {
                keep(index, .belowLimits)
            }
        }
    }

    /// The newest complete ones; and of the partial ones that are newer than all of these, as many again, so that the
    /// newest data stays even if every run misses something.
    private mutating func keepLast(_ count: Int, of counted: [Int]) {
        let complete = counted.filter { newestFirst[$0].isComplete }
        let newerPartial = counted.prefix { !newestFirst[$0].isComplete }
        for index in complete.prefix(count) + newerPartial.prefix(count) { keep(index, .last(count)) }
    }

    private mutating func keepNewest(
        _ count: Int, of period: RetentionReason.Period, _ counted: [Int], _ local: [LocalTime]
    ) {
        var kept = 0
        var position = 0
        while position < counted.count, kept < count {
            let name = period.name(of: local[position])
            var end = position
            while end < counted.count, period.name(of: local[end]) == name { end += 1 }
            let members = counted[position..<end]
            let newest = members.first { newestFirst[$0].isComplete } ?? counted[position]
            keep(newest, .newest(period, name))
            kept += 1
            position = end
        }
        // Room is left: a history as long as there is one.
        if kept < count, let oldest = counted.last, !isKept(oldest, as: period) { keep(oldest, .oldest(period)) }
    }

    private func isKept(_ index: Int, as period: RetentionReason.Period) -> Bool {
        keepReasons[index].contains { if case .newest(period, _) = $0 { true } else { false } }
    }

    /// The limits drop what the rules would keep.
    private mutating func limit(_ rules: RetentionRules, _ counted: [Int], _ isFuture: [Bool], _ now: Date) {
        if let most = rules.maxCount {
            let staying = counted.filter { dropReasons[$0] == nil }
            // Complete ones first: a run of partial ones must not push them out.
            let ranked = staying.filter { newestFirst[$0].isComplete } + staying.filter { !newestFirst[$0].isComplete }
            for index in ranked.dropFirst(most) { drop(index, .moreThan(most)) }
        }
        let newestSound = counted.first { newestFirst[$0].isComplete }
        for index in newestFirst.indices where !isFuture[index] {
            let candidate = newestFirst[index]
            if let seconds = rules.maxAge, candidate.createdAt < now.addingTimeInterval(-seconds) {
                if candidate.isSound || newestSound.map({ $0 < index }) ?? false {
                    drop(index, .olderThan(seconds))
                }
            }
        }
    }

    private mutating func protect(_ counted: [Int], _ isFuture: [Bool], _ options: RetentionOptions) {
        for (index, candidate) in newestFirst.enumerated() {
            if isFuture[index] { keep(index, .inTheFuture) }
            if dropReasons[index] == nil, let problem = candidate.problems.first { keep(index, .unsound(problem)) }
            if let who = candidate.pinned { keep(index, .pinned(who)) }
        }
        let complete = counted.filter { newestFirst[$0].isComplete }
        if let index = complete.first(where: { newestFirst[$0].verifiedLevel >= .opened }) {
            keep(index, .newestVerified)
        }
        if let index = complete.first { keep(index, .newestGood) }
        // Without it the same fall would show again, between the backups on both sides of it.
        for index in complete.dropLast()
        where options.acknowledgements.contains(where: {
            $0.identity == identity && $0.backupID == newestFirst[index].id
        }) {
            keep(index, .acknowledged)
        }
        // What it has is newer than all that is complete.
        if let index = counted.first, !newestFirst[index].isComplete { keep(index, .newestPartial) }
    }

    /// The newest fall of live keys to less than half that nobody acknowledged.
    private func freeze(_ counted: [Int], _ options: RetentionOptions) -> RetentionFreeze? {
        let known = counted.filter { newestFirst[$0].isComplete && newestFirst[$0].liveKeys != nil }
        for (newer, older) in zip(known, known.dropFirst()) {
            let candidate = newestFirst[newer]
            guard let after = candidate.liveKeys, let before = newestFirst[older].liveKeys,
                max(after, 0) < before - max(after, 0),
                !isAcknowledged(candidate, options)
            else { continue }
            return RetentionFreeze(
                identity: identity, backupID: candidate.id, backupCreatedAt: candidate.createdAt, keysBefore: before,
                keysAfter: after)
        }
        return nil
    }

    private func isAcknowledged(_ candidate: RetentionCandidate, _ options: RetentionOptions) -> Bool {
        options.acknowledgements.contains {
            $0.identity == identity && (candidate.createdAt, candidate.id) <= ($0.backupCreatedAt, $0.backupID)
        }
    }

    /// Leaves for a later run what is above the share, the newest of it; what is needed by another never goes first.
    mutating func bound(_ options: RetentionOptions) {
        let dropped = newestFirst.indices.filter { dropReasons[$0] != nil }
        let share = min(max(options.largestShare, 0), 1)
        let most = max(1, Int(Double(newestFirst.count) * share))
        guard dropped.count > most else { return }
        let order = dropped.map { newestFirst[$0] }.sortedChildrenFirst()
        let first = Set(order.prefix(most).map(\.id))
        for index in dropped where !first.contains(newestFirst[index].id) { keep(index, .later(atMost: most)) }
    }
}

extension RetentionReason.Period {
    /// What the period of a time is called; the same text for all times in it.
    func name(of time: LocalTime) -> String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let month = "\(time.year)-\(padded(time.month))"
        switch self {
        case .hourly: return "\(month)-\(padded(time.day))T\(padded(time.hour))"
        case .daily: return "\(month)-\(padded(time.day))"
        case .monthly: return month
        case .yearly: return "\(time.year)"
        case .weekly:
            // The week belongs to the year of its Thursday (ISO 8601).
            let day = time.daysSinceEpoch
            let thursday = day - (CivilDate.weekday(daysSinceEpoch: day) + 6) % 7 + 3
            let year = CivilDate(daysSinceEpoch: thursday).year
            let week = (thursday - CivilDate(year: year, month: 1, day: 1).daysSinceEpoch) / 7 + 1
            return "\(year)-W\(padded(week))"
        }
    }
}
