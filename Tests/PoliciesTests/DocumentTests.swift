import Failures
import Files
import Foundation
import Policies
import Testing

@Suite struct DocumentTests {
    private let scratch: Scratch
    private static let head = "apiVersion: daytwo/v1\nkind: Configuration\nstores: {main: {path: store}}\n"
    private static let inventory = """
        ---
        apiVersion: daytwo/v1
        kind: Inventory
        metadata: {name: here}
        spec:
          clusters:
            - {name: alpha, dataDirectory: /data/alpha, labels: {tier: gold}}
            - {name: beta, dataDirectory: data/beta}

        """

    init() throws { scratch = try Scratch() }

    private static func schedule(_ spec: String, name: String = "hourly") -> String {
        let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        return """
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata: {name: \(name)}
            spec:
            \(lines.joined(separator: "\n"))

            """
    }

    private static let plainSpec = "select: {all: true}\ncron: '0 * * * *'\nstore: main"

    private func load(_ text: String) throws -> DaytwoConfiguration {
        try scratch.write(text, to: "daytwo.yaml")
        return try DaytwoConfiguration.load(path: scratch["daytwo.yaml"], now: utc("2026-11-24T09:00:00Z"))
    }

    /// The lines of the failure, without the folder.
    private func problems(_ text: String) -> [String] {
        let failure = failure { _ = try load(text) }
        #expect(failure.code == .usage)
        return failure.what.split(separator: "\n").dropFirst().map {
            String($0).replacing(scratch.path + "/", with: "")
        }
    }

    @Test func takesEverythingAtItsPlace() throws {
        let spec = """
            select: {names: ["al*"], hosts: [local], matchLabels: {tier: gold}}
            cron: "H/15 * * * *"
            timeZone: Europe/Berlin
            store: main
            suspended: true
            reason: being moved
            missedRuns: {maxAge: 1h30m}
            overlap: replace
            rpo: 1h
            timeout: 90s
            priority: -5
            retention: {keepLast: 1, keepHourly: 2, keepDaily: 3, keepWeekly: 4, keepMonthly: 5, keepYearly: 6, keepWithin: 7d, maxCount: 8, maxAge: 2w}
            verify: {level: opened, cron: "@weekly"}
            drill: {cron: "@monthly"}
            ping: {urlFile: ping-url}
            encryption: none
            """
        let configuration = try load(
            Self.head + """
                stateDirectory: state
                history: {keep: 30d}
                metrics: {textFile: /m.prom}
                scheduler: {maxRunning: 7}
                notifications:
                  - {name: hook, on: [failure], webhook: {urlFile: u, format: slack, templateFile: t, headerFile: h}}
                  - {name: program, on: [overdue, recovered], command: [/bin/true, x]}

                """ + Self.inventory + Self.schedule(spec))
        #expect(configuration.stateDirectory == scratch["state"])
        #expect(configuration.historyKeep == 30 * 86_400)
        #expect(
            configuration.scheduler
                == SchedulerSettings(maxRunning: 7, maxRunningPerStore: 2, maxRunningPerHost: 2))
        #expect(configuration.store(named: "main")?.path == scratch["store"])
        #expect(configuration.notifications.map(\.events) == [[.failure], [.overdue, .recovered]])
        #expect(
            configuration.notifications.map(\.channel) == [
                .webhook(
                    url: .file(scratch["u"]), format: .slack, templateFile: scratch["t"], headerFile: scratch["h"]),
                .command(["/bin/true", "x"]),
            ])
        #expect(configuration.clusters.map(\.dataDirectory) == ["/data/alpha", scratch["data/beta"]])
        let schedule = try #require(configuration.schedules.first)
        #expect(schedule.entries(for: configuration.clusters).map(\.cluster.path) == ["local/alpha"])
        #expect(schedule.suspended && schedule.suspendedReason == "being moved")
        #expect(schedule.missedRunMaxAge == 5400 && schedule.rpo == 3600 && schedule.timeout == 90)
        #expect(schedule.overlap == .replace && schedule.priority == -5 && schedule.ping == .file(scratch["ping-url"]))
        #expect(schedule.verify?.level == .opened && schedule.verify?.cron?.text == "@weekly")
        #expect(schedule.drill?.text == "@monthly" && schedule.zone.name == "Europe/Berlin")
        #expect(
            schedule.retention
                == RetentionRules(
                    keepLast: 1, keepHourly: 2, keepDaily: 3, keepWeekly: 4, keepMonthly: 5, keepYearly: 6,
                    keepWithin: 604_800, maxCount: 8, maxAge: 1_209_600))
        #expect(schedule.origin(of: "spec.cron").description == scratch["daytwo.yaml"] + ":25:9")
        let origins = Dictionary(configuration.settings.map { ("\($0.document) \($0.path)", $0) }) { first, _ in first }
        #expect(origins["BackupSchedule/hourly spec.retention.keepDaily"]?.value == "3")
        #expect(origins["Configuration scheduler.maxRunningPerHost"]?.value == "2")
        #expect(origins["Configuration scheduler.maxRunningPerHost"]?.origin == nil)
        #expect(origins["Inventory/here spec.clusters[0].labels.tier"]?.origin?.line == 17)
    }

    @Test func hasSaneDefaults() throws {
        let configuration = try load(Self.head + Self.inventory + Self.schedule(Self.plainSpec))
        #expect(configuration.scheduler == .standard && configuration.historyKeep == 400 * 86_400)
        let schedule = try #require(configuration.schedules.first)
        #expect(schedule.missedRunMaxAge == 86_400 && schedule.overlap == .skip && schedule.zone == .utc)
        #expect(schedule.retention.isEmpty && schedule.verify == nil && !schedule.suspended && schedule.priority == 0)
        #expect(configuration.warnings.isEmpty)
    }

    /// What is wrong in `spec`, and what the one line about it holds.
    @Test(arguments: [
        (
            "select: {all: true}\ncron: '0 * * * *'\nstore: mian", "9:10",
            "there is no store \"mian\". Did you mean main?"
        ),
        ("select: {}\ncron: '0 * * * *'\nstore: main", "7:11", "is empty, which could mean all clusters or none"),
        (
            "select: {all: true, names: [a]}\ncron: '0 * * * *'\nstore: main", "7:11",
            "has all: true, and yet restricts it"
        ),
        ("select: {all: true}\ncron: '0 25 * * *'\nstore: main", "8:12", "hour \"25\": expected 0 to 23"),
        ("select: {all: true}\ncron: 0 * * * * *\nstore: main", "8:19", "6 fields instead of five"),
        ("select: {all: true}\ncron: */5 * * * *\nstore: main", "8:", "Put a text that begins with * in quotes"),
        ("select: {all: true}\ncron: @daily\nstore: main", "8:9", "Put a text that begins with @ in quotes"),
        ("select: {all: true}\ncron: 5\nstore: main", "8:9", "spec.cron is a number instead of a text"),
        ("select: {all: true}\nstore: main", "7:3", "spec.cron is missing"),
        ("\(plainSpec)\ntimezone: UTC", "10:3", "spec.timezone is not known. Did you mean timeZone?"),
        ("\(plainSpec)\ntimeZone: Europe/Berln", "10:13", "Did you mean Europe/Berlin?"),
        ("\(plainSpec)\nrpo: 60", "10:8", "\"60\" instead of a duration. Write it with units"),
        ("\(plainSpec)\nrpo: 0s", "10:8", "instead of a duration"),
        ("\(plainSpec)\nrpo: 5x", "10:8", "instead of a duration"),
        ("\(plainSpec)\npriority: high", "10:13", "\"high\" instead of a whole number from -100 to 100"),
        ("\(plainSpec)\npriority: '5'", "10:13", "instead of a whole number"),
        ("\(plainSpec)\npriority: 1e1", "10:13", "instead of a whole number"),
        ("\(plainSpec)\nsuspended: yes", "10:14", "\"yes\" instead of true or false"),
        ("\(plainSpec)\nreason: none", "10:11", "says why it is suspended, and it is not"),
        ("\(plainSpec)\noverlap: skipp", "10:12", "instead of skip, queue, replace. Did you mean skip?"),
        ("\(plainSpec)\nretention: {keepDayly: 3}", "10:15", "Did you mean keepDaily?"),
        ("\(plainSpec)\nretention: {keepDaily: 0}", "10:26", "instead of a whole number from 1"),
        ("\(plainSpec)\nretention:", "10:13", "spec.retention is nothing instead of a mapping"),
        ("\(plainSpec)\nretention: 7d", "10:14", "spec.retention is a text instead of a mapping"),
        ("\(plainSpec)\nverify: {cron: '@daily'}", "10:11", "spec.verify.level is missing"),
        ("\(plainSpec)\nverify: {level: deep}", "10:19", "instead of stored, opened"),
        ("\(plainSpec)\ndrill: {}", "10:10", "spec.drill.cron is missing"),
        ("\(plainSpec)\nping: {url: 'https://x'}", "10:15", "would be a secret in a readable file"),
        ("\(plainSpec)\nping: {urlFile: a, urlEnvironment: B}", "10:9", "needs only one of urlFile and urlEnvironment"),
        ("\(plainSpec)\nping: {urlFile: ~/url}", "10:19", "begins with ~"),
        ("\(plainSpec)\nencryption: age", "10:15", "is not supported by this version"),
        ("\(plainSpec)\nrpo: 1h\nrpo: 2h", "10:3", "\"rpo\" is there more than once"),
        ("\(plainSpec)\n? [a]\n: b", "10:5", "a key must be a text"),
        ("\(plainSpec)\nrpo: &a 1h", "10:8", "anchors and aliases"),
        ("\(plainSpec)\nrpo: !!str 1h", "10:8", "tags of YAML"),
        ("\(plainSpec)\n\trpo: 1h", "10:", "Indent with spaces"),
        ("\(plainSpec)\nreason: a: b", "10:", "this is no YAML"),
        ("select: {names: al*}\ncron: '@daily'\nstore: main", "7:19", "is a text instead of a list"),
        (
            "select: {names: [1.30]}\ncron: '@daily'\nstore: main", "7:20",
            "is a number instead of a text. Put it in quotes: \"1.30\""
        ),
        (
            "select: {names: [on, 0x1F, 1:30, 2026-01-01, ~]}\ncron: '@daily'\nstore: main", "7:20",
            "is true or false instead of a text"
        ),
    ])
    func namesThePlace(_ spec: String, _ place: String, _ message: String) {
        // Three lines of the configuration, four of the schedule's head.
        let problems = problems(Self.head + Self.schedule(spec).replacing("---\n", with: "---\n"))
        let shifted = place.split(separator: ":", omittingEmptySubsequences: false)
        let line = (Int(shifted[0]) ?? 0) + 2
        let start = "daytwo.yaml:\(line):\(shifted[1])"
        #expect(problems.contains { $0.hasPrefix(start) && $0.contains(message) }, "\(start) \(problems)")
    }

    @Test func tellsAllProblemsOfAllFiles() throws {
        try scratch.write(Self.inventory.replacing("name: alpha", with: "name: 007"), to: "i.yaml")
        try scratch.write(
            Self.schedule("select: {all: true}\ncron: '61 * * * *'\nstore: other\nrpo: 1", name: "a")
                + Self.schedule("slect: {all: true}\ncron: '@daily'\nstore: main", name: "b"), to: "p/one.yaml")
        try scratch.write("kind: BackupShedule\napiVersion: daytwo/v2\n", to: "p/two.yaml")
        let problems = problems(
            Self.head + "inventory: [i.yaml, none.yaml]\npolicies: ['p/*.yaml']\nscheduler: {maxRunning: 0}\nother: 1\n"
        )
        #expect(problems.contains { $0.contains("i.yaml:7:14: spec.clusters[0].name is a number") })
        #expect(problems.contains { $0.hasPrefix("daytwo.yaml:4:21: cannot open") && $0.contains("none.yaml") })
        #expect(problems.contains { $0.hasPrefix("p/one.yaml:7:10: spec.cron: minute \"61\"") })
        #expect(problems.contains { $0.hasPrefix("p/one.yaml:9:8: spec.rpo") })
        #expect(problems.contains { $0.hasPrefix("p/one.yaml:15:3: spec.slect is not known. Did you mean select?") })
        #expect(problems.contains { $0.hasPrefix("p/one.yaml:15:3: spec.select is missing") })
        #expect(
            problems.contains {
                $0.contains("p/two.yaml:1:7: kind is \"BackupShedule\"") && $0.contains("Did you mean BackupSchedule?")
            })
        #expect(problems.contains { $0.contains("p/two.yaml:2:13: apiVersion is not known") })
        #expect(problems.contains { $0.hasPrefix("daytwo.yaml:6:") && $0.contains("maxRunning") })
        #expect(problems.contains { $0.hasPrefix("daytwo.yaml:7:1: other is not known") })
        #expect(problems == problems.sorted { $0.split(separator: ":")[0] < $1.split(separator: ":")[0] })
    }

    @Test func listsFiftyAndCountsTheRest() {
        let keys = (0..<80).map { "x\($0): 1\n" }.joined()
        let problems = problems(Self.head + keys)
        #expect(problems.count == 51 && problems.last == "and 30 more")
    }

    @Test func refusesWhatIsNotUniqueOrNotYet() {
        let twice = Self.inventory + Self.inventory + Self.schedule(Self.plainSpec) + Self.schedule(Self.plainSpec)
        let problems = problems(Self.head + twice)
        #expect(problems.filter { $0.contains("the cluster local/alpha is there already, at") }.count == 1)
        #expect(problems.filter { $0.contains("the schedule hourly is there already, at") }.count == 1)
        let hosts =
            "---\napiVersion: daytwo/v1\nkind: Inventory\nmetadata: {name: h}\nspec: {hosts: [], clusters: []}\n"
        #expect(self.problems(Self.head + hosts).first?.contains("Name hosts in daytwo.yaml") == true)
        for name in ["a/b", ".a", "a\\u200bb", "", String(repeating: "n", count: 201)] {
            let bad = Self.inventory.replacing("name: alpha", with: "name: \"\(name)\"")
            #expect(self.problems(Self.head + bad).first?.contains("spec.clusters[0].name") == true, "\(name)")
        }
    }

    private static let hosts = """
        hosts:
          prod:
            kubeconfig: prod.kubeconfig
            context: admin
            requestTimeout: 10s
            agent: {image: "registry:5000/daytwo:1", imagePullSecrets: [pull], startTimeout: 5m, scratchLimit: 8Gi}
          lab: {}

        """

    private static func onHost(_ cluster: String) -> String {
        "---\napiVersion: daytwo/v1\nkind: Inventory\nmetadata: {name: h}\nspec:\n  clusters:\n    - {\(cluster)}\n"
    }

    @Test func takesClustersOnHosts() throws {
        let cluster = Self.onHost("name: blue, host: prod, namespace: team-a, labels: {tier: gold}")
        let spec = "select: {hosts: [prod], namespaces: [\"team-*\"]}\ncron: '0 * * * *'\nstore: main"
        let configuration = try load(Self.head + Self.hosts + Self.inventory + cluster + Self.schedule(spec))
        let prod = try #require(configuration.host(named: "prod"))
        #expect(prod.kubeconfig == scratch["prod.kubeconfig"] && prod.context == "admin")
        #expect(prod.agentImage == "registry:5000/daytwo:1" && prod.agentPullSecrets == ["pull"])
        #expect(prod.agentStartTimeout == 300 && prod.agentScratchLimit == "8Gi" && prod.requestTimeout == 10)
        #expect(configuration.host(named: "lab")?.kubeconfig == nil)
        let blue = try #require(configuration.clusters.last)
        #expect(blue.place == .host("prod", namespace: "team-a") && blue.path == "prod/team-a/blue")
        #expect(blue.dataDirectory == nil && configuration.clusters[0].host == nil)
        let selected = configuration.schedules[0].entries(for: configuration.clusters).map(\.cluster.path)
        #expect(selected == ["prod/team-a/blue"])
    }

    @Test(arguments: [
        ("name: blue, host: prd, namespace: a", "there is no host \"prd\". Did you mean prod?"),
        ("name: blue, host: local, namespace: a", "spec.clusters[0].host is local, which is this machine"),
        ("name: blue, host: prod", "spec.clusters[0].namespace is missing"),
        ("name: blue, namespace: a", "spec.clusters[0].host is missing"),
        ("name: blue, host: prod, namespace: a/b", "spec.clusters[0].namespace \"a/b\" holds a slash"),
        ("name: blue, host: prod, namespace: a, dataDirectory: /data", "spec.clusters[0].dataDirectory is not known"),
        ("name: blue, host: prod, namespace: a, tokenFile: /t", "On a host, it is read from the host."),
    ])
    func refusesClustersOnHosts(_ cluster: String, _ message: String) {
        let problems = problems(Self.head + Self.hosts + Self.onHost(cluster))
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    @Test func refusesHosts() {
        let problems = problems(
            Self.head
                + "hosts: {local: {}, a/b: {}, c: {token: x, agent: {imge: y}}, d: {agent: {scratchLimit: 4G}}}\n")
        #expect(problems.contains { $0.contains("the host local would be this machine") }, "\(problems)")
        #expect(problems.contains { $0.contains("the host \"a/b\" holds a slash") }, "\(problems)")
        #expect(problems.contains { $0.contains("hosts.c.token is not known. Credentials belong") }, "\(problems)")
        #expect(
            problems.contains { $0.contains("hosts.c.agent.imge is not known. Did you mean image?") }, "\(problems)")
        #expect(problems.contains { $0.contains("scratchLimit is \"4G\" instead of an amount") }, "\(problems)")
    }

    @Test func refusesAFileThatIsNoConfiguration() throws {
        for text in ["", "---\n", "# nothing\n", Self.inventory] {
            #expect(problems(text).first?.contains("no document of kind Configuration") == true)
        }
        #expect(problems(Self.head + "---\n" + Self.head).first?.contains("a second document") == true)
        #expect(failure { _ = try DaytwoConfiguration.load(path: scratch["none"], now: date(0)) }.code == .notFound)
        try scratch.write(Self.head, to: "p.yaml")
        #expect(problems(Self.head + "policies: [p.yaml]\n").first?.contains("belongs into daytwo.yaml alone") == true)
    }

    @Test(arguments: [
        String(repeating: "[", count: 200_000), String(repeating: "- ", count: 200_000),
        String(repeating: "? ", count: 100_000), String(repeating: "{a: ", count: 100_000),
        "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b]\n", "? &a b\n: *a\n", "\u{1}", "\"\\x", "%YAML 9.9\n---\na", "!!binary x",
        "*a",
    ])
    func survivesHostileText(_ text: String) {
        #expect(!problems(Self.head + "---\n" + text).isEmpty)
        #expect(!problems(text).isEmpty)
    }

    @Test func refusesWhatIsNotUTF8() throws {
        try durablyWrite(Array(Self.head.utf8) + [0xFF], to: scratch["daytwo.yaml"])
        let failure = failure { _ = try DaytwoConfiguration.load(path: scratch["daytwo.yaml"], now: date(0)) }
        #expect(failure.what.contains("daytwo.yaml:1:1: the file is not UTF-8"))
    }

    @Test func survivesDamagedText() throws {
        let good = Array((Self.head + Self.inventory + Self.schedule(Self.plainSpec)).utf8)
        var numbers = SeededNumbers(state: 3)
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0...2 {
                let index = Int.random(in: 0..<bytes.count, using: &numbers)
                bytes[index] = "[]{}:,&*!|>'\"%@`#?-\n\t \u{0}ab0".utf8.randomElement(using: &numbers) ?? 0
            }
            try durablyWrite(bytes, to: scratch["daytwo.yaml"], replacing: true)
            do {
                _ = try DaytwoConfiguration.load(path: scratch["daytwo.yaml"], now: date(0))
            } catch {
                #expect(error.code == .usage && error.what.contains("daytwo.yaml:"))
            }
        }
    }

    @Test func warnsOfWhatIsProbablyNotMeant() throws {
        let schedules =
            Self.schedule("select: {names: [gamma]}\ncron: '0 3 * * *'\nstore: main", name: "nothing")
            + Self.schedule("select: {names: [alpha]}\ncron: '0 3 * * MON-FRI'\nstore: main\nrpo: 26h", name: "first")
            + Self.schedule("select: {matchLabels: {tier: gold}}\ncron: '0 0 30 2 *'\nstore: main", name: "second")
            + Self.schedule("select: {names: [beta]}\ncron: '@daily'\nstore: main\nsuspended: true", name: "third")
        let configuration = try load(Self.head + "inventory: ['*.none']\n" + Self.inventory + schedules)
        let warnings = configuration.warnings.map { ($0.kind, $0.description.replacing(scratch.path + "/", with: "")) }
        let expected: [(ConfigurationWarning.Kind, String)] = [
            (.patternMatchesNothing, "daytwo.yaml:4:13: warning: \"*.none\" matches no file"),
            (.scheduleSelectsNothing, "the schedule nothing selects no cluster"),
            (.objectiveTooShort, "promises an rpo of 1d2h, but runs only after 3d from 2026-11-27T03:00:00Z on"),
            (.scheduleNeverRuns, "the schedule second never runs"),
            (.schedulesOverlap, "the schedules first and second both select local/alpha; both run"),
            (.clusterNotCovered, "no schedule that is not suspended covers local/beta"),
        ]
        #expect(warnings.map(\.0) == expected.map(\.0))
        for (warning, wanted) in zip(warnings, expected) { #expect(warning.1.contains(wanted.1), "\(warning.1)") }
    }

    @Test func noticesEachChange() throws {
        try scratch.write(Self.inventory, to: "i/one.yaml")
        let configuration = try load(Self.head + "inventory: ['i/*.yaml']\n" + Self.schedule(Self.plainSpec))
        #expect(configuration.files.map(\.path) == [scratch["daytwo.yaml"], scratch["i/one.yaml"]])
        #expect(try configuration.isCurrent())
        try scratch.write("", to: "i/two.yaml")
        #expect(try !configuration.isCurrent())
        try removeTree(scratch["i/two.yaml"])
        #expect(try configuration.isCurrent())
        try scratch.write(Self.inventory, to: "i/one.yaml")
        #expect(try !configuration.isCurrent())
        let again = try DaytwoConfiguration.load(path: scratch["daytwo.yaml"], now: date(0))
        #expect(try again.isCurrent())
        try removeTree(scratch["i"])
        #expect(try !again.isCurrent())
    }

    @Test func readsDurations() {
        for (text, seconds) in [
            ("90s", 90.0), ("15m", 900), ("1h", 3600), ("7d", 604_800), ("2w", 1_209_600), ("1h30m", 5400),
        ] {
            #expect(WrittenDuration.seconds(text) == seconds)
        }
        for text in [
            "", "0s", "1", "h", "1m1h", "1h1h", "-1h", "1.5h", "1 h", "99999999999s", "9999999999w", "1H", "\u{0661}h",
        ] {
            #expect(WrittenDuration.seconds(text) == nil, "\(text)")
        }
        for text in ["90s", "1h30m", "7d", "2w"] {
            #expect(
                WrittenDuration.seconds(WrittenDuration.text(WrittenDuration.seconds(text) ?? 0))
                    == WrittenDuration.seconds(text))
        }
        #expect(WrittenDuration.text(0) == "0s" && WrittenDuration.text(8 * 86_400) == "8d")
    }
}
