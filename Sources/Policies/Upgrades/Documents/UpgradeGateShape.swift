extension UpgradePolicyShape {
    static let gates = MappingShape(keys: [
        .optional("before", .list(of: gate, mayBeEmpty: true), "Before a step: one that fails lets nothing start."),
        .optional("after", .list(of: gate, mayBeEmpty: true), "After a step: one that fails makes it fail."),
        .optional(
            "during", .list(of: gate, mayBeEmpty: true),
            "Again and again while the cluster is watched after a step, which does not end before all passed; one that "
                + "fails takes the step back, as rollback says. Nothing without."),
        .optional("every", .duration, "How often those of during are looked at; at every upgrade run without."),
        .optional(
            "overrides", .list(of: .mapping(gateOverride)), "Gates whose verdict does not count for a while."),
    ])

    /// The name of a check of daytwo's own, or a mapping.
    private static let gate = Shape.textOr(
        TextFormat(
            expected: "the name of a check: \(BuiltInGate.allCases.map(\.rawValue).joined(separator: ", "))",
            pattern: "^(\(BuiltInGate.allCases.map(\.rawValue).joined(separator: "|")))$"
        ) { BuiltInGate(rawValue: $0) != nil },
        MappingShape(
            keys: [
                .optional("check", .choice(BuiltInGate.allCases.map(\.rawValue)), "A check of daytwo's own."),
                .optional("http", .mapping(http), "A request that must be answered with 2xx."),
                .optional(
                    "command", .list(of: .text(.any)),
                    "A program with its arguments, run without a shell, that must end with 0."),
                .optional("resource", .mapping(resource), "A value in an object of the virtual cluster."),
                .optional("name", .text(.name), "What it is called; needed for all but check."),
                .optional("timeout", .duration, "For one try.", default: "1m"),
                .optional("retries", .integer(0...100), "How often it is tried again.", default: "2"),
                .optional(
                    "onUnknown", .choice(UpgradeGate.Unknown.allCases.map(\.rawValue)),
                    "The verdict where nothing can be told.", default: "fail"),
            ], oneOf: ["check", "http", "command", "resource"]))

    private static let http = MappingShape(keys: [
        .required("url", .text(httpAddress), "Where to; without credentials in it.")
    ])

    static let httpAddress = TextFormat(
        expected: "an http or https URL without a name and password", pattern: "^https?://[^@]+$"
    ) { text in
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !authority.isEmpty && !rest.contains("@") && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static let resource = MappingShape(keys: [
        .required("apiVersion", .text(.any), "Like apps/v1."), .required("kind", .text(.any), "Like Deployment."),
        .optional("namespace", .text(.any), "Its namespace in the virtual cluster."),
        .required("name", .text(.any), "Its name."),
        .required("path", .text(.any), "Keys separated by dots: status.readyReplicas."),
        .required("equals", .text(.any), "What the value there must be, in quotes where it is a number."),
    ])

    private static let gateOverride = MappingShape(keys: [
        .required("gate", .text(.any), "The gate's name."),
        .required("reason", .text(.any), "Why its verdict does not count; recorded wherever it is used."),
        .required("expires", .text(.moment), "When it counts again, like \"2026-12-24T23:00:00Z\"."),
        .optional("clusters", .list(of: .text(.any)), "HOST/NAMESPACE/NAME, with * and ?; all of the policy without."),
    ])
}
