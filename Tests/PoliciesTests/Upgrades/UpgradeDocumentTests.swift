import Failures
import Files
import Foundation
import JSONValues
import Testing

@testable import Policies

@Suite struct UpgradeDocumentTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func problems(_ text: String) throws -> [String] {
        let path = try scratch.write(text, to: "p.yaml")
        let failure = failure { _ = try UpgradeDocuments.load(paths: [path]) }
        #expect(failure.code == .usage)
        return failure.what.split(separator: "\n").dropFirst().map {
            String($0).replacing(scratch.path + "/", with: "")
        }
    }

    /// The lines of a spec begin in the sixth of the file, in the third column.
    @Test(arguments: [
        ("selct: {all: true}", "6:3", "spec.selct is not known. Did you mean select?"),
        ("target: {version: v1.33.4}", "6:21", "\"v1.33.4\" instead of a release of k3s like v1.33.4+k3s1"),
        (
            "target: {range: 1.30}", "6:19",
            "spec.target.range is 1.30 without quotes, which YAML reads as the number 1.3. Write \"1.30\"."
        ),
        ("select: {minors: [1.30]}", "6:21", "spec.select.minors[0] is 1.30 without quotes, which YAML reads as"),
        ("target: {channel: stable, deny: [1.20]}", "6:36", "reads as the number 1.2"),
        ("target: {version: \"v1.34.0-rc1+k3s1\"}", "6:21", "candidates are never installed"),
        (
            "target: {version: \"v1.33.4+k3s1\", deny: [\"~1.33\"]}", "6:21", "which deny ~1.33 forbids"
        ),
        ("target: {}", "6:11", "spec.target needs one of version, range, channel and behind"),
        ("target: {channel: stable, range: ~1.33}", "6:11", "spec.target needs only one of version"),
        ("target: {channel: stable, maxMinorJump: 2}", "6:43", "spec.target.maxMinorJump is \"2\" instead of 1"),
        ("target: {channel: stable, allowPrereleases: true}", "6:29", "Candidates are never installed."),
        ("target: {channel: stable, allowDowngrade: true}", "6:29", "only ever brought back with its data"),
        ("target: {behind: {channel: stable}}", "6:20", "spec.target.behind.minors is missing"),
        ("select: {}", "6:11", "is empty, which could mean all clusters or none"),
        ("select: {all: true, names: [a]}", "6:11", "has all: true, and yet restricts it"),
        ("select: {generations: [E]}", "6:26", "\"E\" instead of A, B, C, D"),
        ("paused: strat", "6:11", "Did you mean start?"),
        ("windows: []", "6:12", "spec.windows is empty"),
        ("windows: [{days: [saturday], start: \"22:00\", duration: 6h}]", "6:21", "instead of sun, mon"),
        ("windows: [{start: 22:00, duration: 6h}]", "6:21", "is a number instead of a text. Put it in quotes"),
        ("windows: [{start: \"24:00\", duration: 6h}]", "6:21", "instead of a time like \"22:00\""),
        ("windows: [{start: \"22:00\", duration: 8d}]", "6:40", "is longer than 7d"),
        ("windows: [{start: \"22:00\", duration: 10m}]", "6:13", "none would ever start"),
        (
            "windows: [{start: \"22:00\", duration: 6h, timeZone: Europe/Berln}]", "6:54", "Did you mean Europe/Berlin?"
        ),
        ("windows: [{start: \"22:00\", duration: 6h, end: \"4:00\"}]", "6:44", "spec.windows[0].end is not known"),
        ("freezes: [{from: 2026-12-15, to: \"2027-01-06\", reason: r}]", "6:20", "is a date instead of a text"),
        ("freezes: [{from: \"2026-02-30\", to: \"2027-01-06\", reason: r}]", "6:20", "instead of a day like"),
        (
            "freezes: [{from: \"2026-12-15\", to: \"01-06\", reason: r}]", "6:38",
            "has a year in only one of from and to"
        ),
        ("freezes: [{from: \"2026-12-15\", to: \"2026-12-14\", reason: r}]", "6:38", "is before from"),
        ("freezes: [{from: \"12-15\", to: \"01-06\"}]", "6:13", "spec.freezes[0].reason is missing"),
        ("waves: [{name: a}, {name: b}]", "6:11", "so nobody is left for the waves after it"),
        ("waves: [{name: a, percent: 60}, {name: b, percent: 50}]", "6:54", "the waves before it have 60 of 100"),
        ("waves: [{name: a, percent: 60}, {name: a}]", "6:35", "the wave \"a\" is there already"),
        ("waves: [{name: a, percent: 60, select: {all: true}}]", "6:11", "needs only one of select and percent"),
        ("waves: [{name: rest, percent: 60}]", "6:11", "must be the last"),
        ("maxFailures: 3", "6:3", "Write failureBudget"),
        ("failureBudget: {percent: 101}", "6:28", "instead of a whole number from 0 to 100"),
        ("soak: 60", "6:9", "\"60\" instead of a duration"),
        ("suspended: no", "6:14", "\"no\" instead of true or false"),
        ("reason: x", "6:11", "says why it is suspended, and it is not"),
        ("backup: {verify: deep}", "6:20", "instead of stored, opened"),
        ("rollback: {mode: automatic}", "6:20", "instead of auto, manual, never"),
        ("rollback: {within: 20m}", "6:14", "Write maxRollbackAge."),
        ("approvals: {count: 2, from: [anna, anna]}", "6:14", "wants 2 different people of 1"),
        ("notify: [{target: chat, on: [fail]}]", "6:32", "instead of planned"),
        ("gates: {before: [api-redy]}", "6:20", "instead of the name of a check: api-ready"),
        ("gates: {before: [version-matches]}", "6:20", "can only be told after a step"),
        ("gates: {before: [api-ready, api-ready]}", "6:31", "the gate api-ready is there already"),
        ("gates: {after: [{command: [x]}]}", "6:29", "does not begin with an absolute path"),
        ("gates: {after: [{command: [/x]}]}", "6:19", "spec.gates.after[0].name is missing"),
        ("gates: {after: [{check: api-ready, http: {url: 'http://x'}}]}", "6:19", "needs only one of check, http"),
        ("gates: {after: [{name: a, http: {url: 'https://u:p@x'}}]}", "6:41", "without a name and password"),
        ("gates: {after: [{name: api-ready, command: [/x]}]}", "6:19", "has the name of a check of daytwo's own"),
        (
            "gates: {overrides: [{gate: removed-api, reason: r, expires: \"2027-01-01T00:00:00Z\"}]}", "6:30",
            "the policy has no gate \"removed-api\". Did you mean removed-apis?"
        ),
        ("gates: {overrides: [{gate: webhooks, expires: \"2027-01-01T00:00:00Z\"}]}", "6:23", "reason is missing"),
        (
            "gates: {overrides: [{gate: webhooks, reason: r, expires: \"2027-01-01\"}]}", "6:60",
            "instead of a time like"
        ),
    ])
    func namesThePlace(_ spec: String, _ place: String, _ message: String) throws {
        let problems = try problems(policyText(spec))
        #expect(problems.contains { $0.hasPrefix("p.yaml:\(place):") && $0.contains(message) }, "\(problems)")
        #expect(problems.count <= 2, "\(problems)")
    }

    @Test func takesEverything() throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../../policies").standardizedFileURL.path
        let names = ["production", "shop", "staging", "pinned", "everything"]
        let policies = try UpgradeDocuments.load(paths: names.map { "\(folder)/upgrade-\($0).yaml" }).policies
        #expect(policies.map(\.name) == names)
        let production = policies[0]
        #expect(production.waves.map(\.name) == ["canary", "first", "rest"])
        #expect(production.waves[1].members == .percent(from: 0, to: 25) && production.waves[2].members == .rest)
        #expect(production.rollback.maxRollbackAge == 900 && production.rollback.mode == .auto)
        #expect(production.freezes.map(\.scope) == [.all, .minor] && production.windows[0].days == [6])
        #expect(production.failureBudget.allowed(of: 20) == 2 && production.concurrency.perNamespace == 1)
        #expect(production.approvals?.from == ["operations", "product", "security"])
        #expect(production.origin(of: "spec.target.deny").line == 17)
        // What is not written is of the nearest part that is.
        #expect(production.origin(of: "spec.skew.syncer") == production.origin(of: "spec.skew"))
        let shop = policies[1]
        #expect(shop.gates.before.map(\.name).last == "no-sale" && shop.gates.before.last?.timeout == 10)
        #expect(shop.gates.during.map(\.onUnknown) == [.fail, .fail] && shop.gates.overrides.count == 1)
        let everything = policies[4]
        #expect(everything.concurrency.total == 1 && everything.soak == 600 && everything.backup.required)
        #expect(everything.gates.before.count == BuiltInGate.beforeStep.count)
        #expect(everything.rollback == UpgradeRollback(mode: .auto, maxRollbackAge: 900))
    }

    @Test func theShippedSchemaIsCurrent() throws {
        let path = URL(filePath: #filePath).appending(path: "../../../../policies/upgrade-policy.schema.json")
            .standardizedFileURL
        let shipped = try String(contentsOf: path, encoding: .utf8)
        #expect(
            shipped.trimmingCharacters(in: .newlines) == JSONSchema.upgradePolicy.indented(),
            "write it anew: daytwo policy schema > policies/upgrade-policy.schema.json")
    }

    @Test func policiesThatMustMeetAreAnError() throws {
        let text = policyText("priority: 3", name: "a") + policyText("select: {names: [x]}\npriority: 3", name: "b")
        #expect(try problems(text).first?.contains("a and b have the same priority 3") == true)
        let same = policyText("select: {names: [x]}", name: "a") + policyText("select: {names: [x]}", name: "b")
        #expect(try problems(same).count == 1)
        #expect(
            try problems(policyText("") + policyText("priority: 1")).first?.contains("one is there already") == true)
    }

    @Test func survivesDamagedText() throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../../policies").standardizedFileURL
        var numbers = SeededNumbers(state: 17)
        for name in ["upgrade-production.yaml", "upgrade-shop.yaml", "catalog.yaml", "test-upgrades.yaml"] {
            let good = Array(try Data(contentsOf: folder.appending(path: name)))
            for _ in 0..<400 {
                var bytes = good
                for _ in 0...Int.random(in: 0...3, using: &numbers) {
                    let index = Int.random(in: 0..<bytes.count, using: &numbers)
                    switch Int.random(in: 0...2, using: &numbers) {
                    case 0: bytes.remove(at: index)
                    case 1: bytes.removeSubrange(index..<min(bytes.count, index + 20))
                    default: bytes[index] = "[]{}:,&*!|>'\"%@`#?-\n\t \u{0}9a~".utf8.randomElement(using: &numbers) ?? 0
                    }
                }
                do throws(Failure) {
                    _ = try UpgradeDocuments.decode([.init(name: name, directory: "/", bytes: bytes)])
                } catch {
                    #expect(error.code == .usage && error.what.contains("\(name):"), "\(error.what)")
                }
            }
        }
    }

    // MARK: the configuration

    private func load(_ more: String, _ policy: String = "") throws -> DaytwoConfiguration {
        try scratch.write(policyText(policy), to: "u/one.yaml")
        let head = "apiVersion: daytwo/v1\nkind: Configuration\nstores: {main: {path: store}}\npolicies: ['u/*.yaml']\n"
        let path = try scratch.write(head + more, to: "daytwo.yaml")
        return try DaytwoConfiguration.load(path: path, now: date(0))
    }

    @Test func theConfigurationFindsThem() throws {
        let configuration = try load("upgrades: {catalog: c.yaml, cacheFor: 1h}\n", "backup: {store: main}")
        #expect(configuration.upgradePolicies.map(\.name) == ["one"])
        #expect(configuration.upgrades.catalog == .file(scratch["c.yaml"]) && configuration.upgrades.cacheFor == 3600)
        let url = "https://update.k3s.io/v1-release/channels"
        #expect(try load("upgrades: {catalog: '\(url)'}\n").upgrades.catalog == .url(url))
        #expect(try load("").upgrades.catalog == nil)
        #expect(configuration.settings.contains { $0.document == "UpgradePolicy/one" && $0.path == "spec.soak" })
    }

    @Test(arguments: [
        ("upgrades: {catalog: 'ftp://x'}\n", "", "daytwo.yaml:5:21", "instead of an http or https URL"),
        ("upgrades: {catlog: x}\n", "", "daytwo.yaml:5:12", "Did you mean catalog?"),
        ("", "backup: {store: offsite}", "one.yaml:6:19", "there is no store \"offsite\""),
        ("", "notify: [{target: chat, on: [failed]}]", "one.yaml:6:12", "there is no notification \"chat\""),
    ])
    func theConfigurationChecksNames(_ more: String, _ policy: String, _ place: String, _ message: String) {
        let failure = failure { _ = try load(more, policy) }
        #expect(failure.what.contains(place) && failure.what.contains(message), "\(failure.what)")
    }

    @Test func otherKindsAreNoPartOfIt() throws {
        let catalog = "---\napiVersion: daytwo/v1\nkind: VersionCatalog\nmetadata: {name: k}\nspec: {}\n"
        let failure = failure { _ = try load(catalog) }
        #expect(failure.what.contains("no part of a configuration. Name it under upgrades.catalog"), "\(failure.what)")
    }
}
