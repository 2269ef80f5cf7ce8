import Foundation
import Policies
import Testing

/// Thousands of random catalogs, judged by the planner and by a plain model in another language.
@Suite struct RetentionModelTests {
    private struct Archive: Encodable {
        var id: String
        var time: Int
        var identity: String
        var complete: Bool
        var level: Int
        var problem: String?
        var pinned: String?
        var parent: String?
        var keys: Int?
    }

    private struct Task: Encodable {
        var zone: String
        var now: Int
        var skew = 300
        var share: Double
        var rules: [String: Int]
        var acknowledged: [String: [Acknowledged]]
        var archives: [Archive]
    }

    private enum Acknowledged: Encodable {
        case time(Int)
        case id(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .time(let time): try container.encode(time)
            case .id(let id): try container.encode(id)
            }
        }
    }

    private struct Answer: Decodable, Equatable {
        var kept: [String: [String]]
        var dropped: [String: String]
        var frozen: [String: String]
    }

    private struct Case {
        var task: Task
        var candidates: [RetentionCandidate]
        var rules: RetentionRules
        var options: RetentionOptions
    }

    private static func makeCase(_ numbers: inout SeededNumbers) -> Case {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &numbers) < percent }
        func maybe(_ percent: Int, _ range: ClosedRange<Int>) -> Int? {
            chance(percent) ? Int.random(in: range, using: &numbers) : nil
        }
        let now = 1_795_500_000 + Int.random(in: 0...40_000_000, using: &numbers)
        let zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]
        var rules: [String: Int] = [:]
        let many = chance(20)
        for (name, most) in [("last", 5), ("hourly", 6), ("daily", 8), ("weekly", 5), ("monthly", 6), ("yearly", 3)] {
            if let count = maybe(many ? 70 : 30, 1...most) { rules[name] = count }
        }
        if let days = maybe(20, 1...40) { rules["within"] = days * 86_400 }
        if let count = maybe(20, 1...12) { rules["maxCount"] = count }
        if let days = maybe(25, 1...400) { rules["maxAge"] = days * 86_400 }
        let identities = (0..<Int.random(in: 1...3, using: &numbers)).map {
            $0 == 2 ? "local/a (unknown)" : "local/a (uid-\($0))"
        }
        let spread = [20_000, 400_000, 4_000_000, 60_000_000].randomElement(using: &numbers) ?? 1
        let (badShare, partialShare) = (chance(50) ? 15 : 0, chance(50) ? 30 : 0)
        var archives: [Archive] = []
        for number in 0..<Int.random(in: 0...40, using: &numbers) {
            let identity = identities.randomElement(using: &numbers) ?? ""
            let time = now - Int.random(in: (chance(5) ? -spread : 0)...spread, using: &numbers)
            let earlier = archives.filter { $0.identity == identity && $0.time < time }
            archives.append(
                Archive(
                    id: "\(UInt16.random(in: .min ... .max, using: &numbers))-\(number)",
                    time: chance(5) ? archives.last?.time ?? time : time, identity: identity,
                    complete: !chance(partialShare), level: Int.random(in: 0...3, using: &numbers),
                    problem: chance(badShare) ? "it is cut" : nil, pinned: chance(4) ? "ops: kept for the audit" : nil,
                    parent: chance(25) ? earlier.randomElement(using: &numbers)?.id : chance(2) ? "gone" : nil,
                    keys: chance(85) ? Int.random(in: 900...1100, using: &numbers) / (chance(3) ? 3 : 1) : nil))
        }
        var acknowledged: [String: [Acknowledged]] = [:]
        var options = RetentionOptions(largestShare: [0.5, 0.1, 1].randomElement(using: &numbers) ?? 0.5)
        if let seen = archives.randomElement(using: &numbers), chance(60) {
            acknowledged[seen.identity] = [.time(seen.time), .id(seen.id)]
            options.acknowledgements = [
                RetentionAcknowledgement(
                    identity: identity(seen.identity), backupID: seen.id, backupCreatedAt: date(seen.time))
            ]
        }
        let task = Task(
            zone: zones.randomElement(using: &numbers) ?? "UTC", now: now, share: options.largestShare, rules: rules,
            acknowledged: acknowledged, archives: archives)
        return Case(
            task: task, candidates: archives.map(candidate).shuffled(using: &numbers),
            rules: RetentionRules(
                keepLast: rules["last"], keepHourly: rules["hourly"], keepDaily: rules["daily"],
                keepWeekly: rules["weekly"], keepMonthly: rules["monthly"], keepYearly: rules["yearly"],
                keepWithin: rules["within"].map(Double.init), maxCount: rules["maxCount"],
                maxAge: rules["maxAge"].map(Double.init)),
            options: options)
    }

    private static func identity(_ text: String) -> RetentionIdentity {
        let uid = text.split(separator: "(")[1].dropLast()
        return RetentionIdentity(clusterPath: "local/a", uid: uid == "unknown" ? nil : String(uid))
    }

    private static func candidate(_ archive: Archive) -> RetentionCandidate {
        RetentionCandidate(
            id: archive.id, createdAt: date(archive.time), identity: identity(archive.identity),
            isComplete: archive.complete, verifiedLevel: .init(rawValue: archive.level) ?? .none,
            problems: archive.problem.map { [$0] } ?? [], pinned: archive.pinned, parent: archive.parent,
            liveKeys: archive.keys.map(Int64.init))
    }

    @Test func decidesAsThePlainModelDoes() throws {
        var numbers = SeededNumbers(state: 42)
        let cases = (0..<4000).map { _ in Self.makeCase(&numbers) }
        var input = Data()
        let encoder = JSONEncoder()
        for one in cases { input += try encoder.encode(one.task) + [UInt8(ascii: "\n")] }
        let answers = try python("retention_model.py", input: input).split(separator: UInt8(ascii: "\n"))
        try #require(answers.count == cases.count)
        var (drops, freezes, different) = (0, 0, 0)
        for (one, line) in zip(cases, answers) {
            let expected = try JSONDecoder().decode(Answer.self, from: line)
            let zone = try TimeZoneRules(named: one.task.zone)
            let plan = RetentionPlanner.plan(
                candidates: one.candidates, rules: one.rules, zone: zone, now: date(one.task.now), options: one.options)
            var got = Answer(kept: [:], dropped: [:], frozen: [:])
            for decision in plan.decisions {
                if decision.keep {
                    got.kept[decision.candidate.id] = decision.reasons.map(\.description).sorted()
                } else {
                    got.dropped[decision.candidate.id] = decision.reasons[0].description
                }
            }
            for freeze in plan.frozen { got.frozen[freeze.identity.description] = freeze.backupID }
            if got != expected {
                different += 1
                if different < 4 { Issue.record("\(one.rules) \(one.task.archives)\n\(got)\n\(expected)") }
            }
            checkInvariants(plan, one)
            drops += plan.drops.count
            freezes += plan.frozen.count
        }
        #expect(different == 0)
        #expect(drops > 5000 && freezes > 200)
    }

    /// The model could share a mistake; these may never break.
    private func checkInvariants(_ plan: RetentionPlan, _ one: Case) {
        let dropped = Set(plan.drops.map(\.id))
        #expect(plan.decisions.filter { !$0.keep }.count == plan.drops.count)
        #expect(plan.decisions.count == one.candidates.count)
        for (identity, members) in Dictionary(grouping: one.candidates, by: \.identity) {
            let lost = members.filter { dropped.contains($0.id) }
            #expect(lost.count <= max(1, Int(Double(members.count) * one.options.largestShare)))
            #expect(lost.isEmpty || !plan.frozen.contains { $0.identity == identity })
            #expect(lost.allSatisfy { $0.pinned == nil && $0.createdAt <= date(one.task.now + 300) })
            let good = members.filter {
                $0.problems.isEmpty && $0.isComplete && $0.createdAt <= date(one.task.now + 300)
            }
            let verified = good.filter { $0.verifiedLevel >= .opened }
            for best in [verified, good] {
                let newest = best.map(\.createdAt).max()
                let newestOnes = best.filter { $0.createdAt == newest }
                #expect(newestOnes.isEmpty || !newestOnes.allSatisfy { dropped.contains($0.id) })
            }
        }
        for member in one.candidates where !dropped.contains(member.id) {
            #expect(member.parent.map { !dropped.contains($0) } ?? true)
        }
        var gone: Set<String> = []
        for drop in plan.drops {
            #expect(!one.candidates.contains { $0.parent == drop.id && !gone.contains($0.id) })
            gone.insert(drop.id)
        }
    }
}
