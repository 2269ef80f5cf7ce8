/// What the `spec` of an `UpgradePolicy` looks like: the one definition that documents are checked by, and that their
/// JSON Schema is written from.
enum UpgradePolicyShape {
    static let spec = MappingShape(
        keys: [
            .optional(
                "priority", .integer(-1000...1000),
                "The highest one that selects a cluster decides; two of the same are an error.", default: "0"),
            .optional("suspended", .truth, "Whether it starts nothing for now.", default: "false"),
            .optional("reason", .text(.any), "Why it is suspended."),
            .required("select", .mapping(selector), "Which clusters."),
            .optional(
                "paused", .choice(UpgradePolicy.PausedRule.allCases.map(\.rawValue)),
                "A paused cluster waits until it is resumed, or is started for its upgrade and paused again.",
                default: "wait"),
            .required("target", .mapping(target), "Which version they are brought to."),
            .optional("skew", .mapping(skew), "How far a cluster may be from its host.", default: ""),
            .optional(
                "windows", .list(of: .mapping(window)),
                "When upgrades may run; at any time without. One that would not end in its window does not start."),
            .optional("freezes", .list(of: .mapping(freeze)), "Days without upgrades, whatever the windows say."),
            .optional("estimatedDuration", .duration, "How long one step of one cluster takes.", default: "15m"),
            .optional(
                "waves", .list(of: .mapping(wave)),
                "Parts of the clusters, one after the other; clusters that are in none are a last wave, \"rest\"."),
            .optional("concurrency", .mapping(concurrency), "How many at once; without, one.", default: ""),
            .optional(
                "failureBudget", .mapping(failureBudget),
                "How many of a wave may fail before nothing more starts; none without. The smaller bound counts.",
                default: ""),
            .optional(
                "soak", .duration, "How long a cluster is watched after each step before its next.", default: "10m"),
            .optional(
                "gates", .mapping(gates),
                "What is looked at before, after and during; all that is built in before and after without.",
                default: ""),
            .optional("backup", .mapping(backup), "The backup before each step.", default: ""),
            .optional("rollback", .mapping(rollback), "What becomes of a step that failed.", default: ""),
            .optional("approvals", .mapping(approvals), "Who must say yes before anything starts."),
            .optional("notify", .list(of: .mapping(notification)), "Who is told of what."),
        ],
        hints: [
            "timeZone": "Each window and freeze has its own timeZone.", "window": "Write windows, a list.",
            "version": "It belongs under target.", "channel": "It belongs under target.",
            "maxConcurrent": "Write concurrency: {total: 5}.", "maxFailures": "Write failureBudget: {clusters: 1}.",
        ])

    static let selector = MappingShape(keys: [
        .optional("all", .truth, "All clusters, and nothing beside it.", default: "false"),
        .optional("names", .list(of: .text(.any)), "Names, with * and ?; one of them is enough."),
        .optional("hosts", .list(of: .text(.any)), "Hosts of the configuration, with * and ?."),
        .optional("namespaces", .list(of: .text(.any)), "Namespaces on the host, with * and ?."),
        .optional("matchLabels", .texts, "Labels that it must have, all of them."),
        .optional("matchAnnotations", .texts, "Annotations that its workload must have, all of them."),
        .optional("minors", .list(of: .text(.minor)), "Minors that it runs, in quotes: \"1.31\"."),
        .optional("generations", .list(of: .choice(["A", "B", "C", "D"])), "Layout generations."),
        .optional(
            "datastores", .list(of: .choice(["sqlite", "etcd", "external"])), "Where it keeps its objects."),
    ])

    static let target = MappingShape(
        keys: [
            .optional("version", .text(.version), "This very release, like v1.33.4+k3s1."),
            .optional("range", .text(.range), "The newest that is allowed in a range: ~1.33, or \">=1.31 <1.34\"."),
            .optional("channel", .text(.name), "What a channel of the catalog points at: stable, latest, v1.33."),
            .optional("behind", .mapping(behind), "The newest of a minor behind a channel."),
            .optional(
                "maxMinorJump", .integer(1...1), "Only 1: longer ways are walked one minor at a time.", default: "1"),
            .optional("minReleaseAge", .duration, "Younger releases are passed over."),
            .optional(
                "channelSettles", .duration,
                "How long a channel must have pointed at its version, as far as it was watched.", default: "1d"),
            .optional("deny", .list(of: .text(.range)), "Releases that are passed over."),
        ], oneOf: ["version", "range", "channel", "behind"],
        hints: [
            "allowPrerelease": "Candidates are never installed.", "allowPrereleases": "Candidates are never installed.",
            "allowDowngrade": "An older version is only ever brought back with its data, by a restore or rollback.",
            "minor": "Write range: ~1.33, or a channel like v1.33.",
        ])

    static let behind = MappingShape(keys: [
        .required("channel", .text(.name), "The channel that it follows at a distance."),
        .required("minors", .integer(1...10), "How many minors behind."),
    ])

    static let skew = MappingShape(keys: [
        .optional("maxNewer", .integer(0...10), "How many minors newer than its host it may become.", default: "1"),
        .optional(
            "maxOlder", .integer(0...20), "How many minors older than its host it should not be; only said.",
            default: "3"),
        .optional(
            "knownIssues", .choice(SkewRule.Verdict.allCases.map(\.rawValue)),
            "Pairs that are known not to work: host 1.34 or newer with 1.33 or older.", default: "deny"),
        .optional(
            "syncer", .choice(SkewRule.Verdict.allCases.map(\.rawValue)),
            "Minors that the syncer's version was not made for.", default: "warn"),
    ])

    static let window = MappingShape(keys: [
        .optional(
            "days", .list(of: .choice(UpgradeWindow.dayNames)),
            "The days on which it starts, every day without; what passes midnight belongs to the day before."),
        .required("start", .text(.timeOfDay), "When it starts, like \"22:00\"."),
        .required("duration", .duration, "How long it is open, at most 7d."),
        .optional("timeZone", .text(.any), "An IANA zone like Europe/Berlin.", default: "UTC"),
    ])

    static let freeze = MappingShape(keys: [
        .required("from", .text(.day), "The first day: \"2026-12-15\", or \"12-15\" for each year."),
        .required("to", .text(.day), "The last day, which is part of it; written like from."),
        .optional("timeZone", .text(.any), "Whose midnight: an IANA zone.", default: "UTC"),
        .optional(
            "scope", .choice(UpgradeFreeze.Scope.allCases.map(\.rawValue)),
            "Which steps it stops: all, those to another minor, or those within one.", default: "all"),
        .required("reason", .text(.any), "Why; shown wherever it stops something."),
    ])

    static let wave = MappingShape(keys: [
        .required("name", .text(.name), "The name, unique in the policy."),
        .optional("select", .mapping(selector), "Who is in it, of those that no wave before it has."),
        .optional("percent", .integer(1...100), "Or a share of all clusters, by a hash of their names."),
        .optional("soak", .duration, "How long the whole wave is watched before the next begins."),
        .optional("approvals", .mapping(approvals), "Who must say yes before it begins."),
    ])

    static let concurrency = MappingShape(keys: [
        .optional("total", .integer(1...10_000), "At once in all; 1 where nothing is set."),
        .optional("perHost", .integer(1...10_000), "At once on one host."),
        .optional("perNamespace", .integer(1...10_000), "At once in one namespace of a host."),
    ])

    static let failureBudget = MappingShape(keys: [
        .optional("clusters", .integer(0...10_000), "So many clusters of a wave may fail."),
        .optional("percent", .integer(0...100), "So many of a hundred of a wave may fail, rounded down."),
    ])

    static let backup = MappingShape(keys: [
        .optional("required", .truth, "Whether there is no step without one.", default: "true"),
        .optional("maxAge", .duration, "An older one is made anew.", default: "1h"),
        .optional(
            "verify", .choice(BackupSchedule.Verification.Level.allCases.map(\.rawValue)),
            "Whether its bytes are checked, or all of its data opened.", default: "opened"),
        .optional("store", .text(.any), "A store of the configuration."),
    ])

    static let rollback = MappingShape(
        keys: [
            .optional(
                "mode", .choice(UpgradeRollback.Mode.allCases.map(\.rawValue)),
                "Image and data are taken back by themselves, when a person says so, or never.", default: "auto"),
            .optional(
                "maxRollbackAge", .duration,
                "How long after the step began, since going back loses what was written meanwhile.", default: "15m"),
        ], hints: ["within": "Write maxRollbackAge."])

    static let approvals = MappingShape(keys: [
        .optional("count", .integer(1...20), "How many different people.", default: "1"),
        .optional("from", .list(of: .text(.any)), "Their names; anybody without."),
        .optional("validFor", .duration, "How long a yes counts.", default: "7d"),
    ])

    static let notification = MappingShape(keys: [
        .required("target", .text(.any), "The name of a notification of the configuration."),
        .required(
            "on", .list(of: .choice(UpgradeNotification.Event.allCases.map(\.rawValue))), "What is told."),
    ])
}
