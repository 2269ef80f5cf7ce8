public import JSONValues

extension UpgradePlan {
    /// Visits the plan as JSON documents of one line each: `UpgradePlan` with the counts, an `UpgradeWave` for each wave, an
    /// `UpgradeDecision` for each cluster. The same plan gives the same bytes.
    public func forEachDocument<E: Error>(_ visit: (JSONValue) throws(E) -> Void) throws(E) {
        try visit(summary)
        for wave in waves { try visit(wave.document) }
        for decision in decisions { try visit(decision.document) }
    }

    private var summary: JSONValue {
        var counts: [UpgradeDecision.Verdict: Int] = [:]
        for decision in decisions { counts[decision.verdict, default: 0] += 1 }
        return .members([
            ("apiVersion", .string(DocumentDecoder.apiVersion)), ("kind", .string("UpgradePlan")),
            ("at", .string(UTCMoment.text(at))), ("clusters", .integer(decisions.count)),
            (
                "verdicts",
                .members(
                    UpgradeDecision.Verdict.allCases.compactMap { verdict in
                        counts[verdict].map { (verdict.rawValue, .integer($0)) }
                    })
            ), ("remarks", .array(remarks.map(JSONValue.string))),
        ])
    }
}

extension UpgradeDecision {
    /// The decision as a document.
    public var document: JSONValue {
        .members([
            ("apiVersion", .string(DocumentDecoder.apiVersion)), ("kind", .string("UpgradeDecision")),
            ("cluster", .string(cluster)), ("verdict", .string(verdict.rawValue)),
            ("policy", policy.map(JSONValue.string)), ("wave", wave.map(JSONValue.string)),
            ("current", current.map { .string($0.description) }), ("target", target.map { .string($0.description) }),
            (
                "ladder",
                .array(
                    ladder.map {
                        .members([("from", .string($0.from.description)), ("to", .string($0.to.description))])
                    })
            ), ("next", next.map { .string(UTCMoment.text($0)) }),
            ("order", verdict == .upgrade ? .integer(order) : nil),
            ("reasons", .array(reasons.map(\.document))), ("notes", .array(notes.map(JSONValue.string))),
        ])
    }
}

extension UpgradeReason {
    fileprivate var document: JSONValue {
        .members([
            ("rule", .string(rule.rawValue)), ("message", .string(message)),
            ("origin", origin.map { .string($0.description) }), ("until", until.map { .string(UTCMoment.text($0)) }),
        ])
    }
}

extension WaveStatus {
    /// The wave as a document.
    public var document: JSONValue {
        .members([
            ("apiVersion", .string(DocumentDecoder.apiVersion)), ("kind", .string("UpgradeWave")),
            ("policy", .string(policy)), ("name", .string(name)), ("phase", .string(phase.rawValue)),
            ("clusters", .integer(clusters)), ("done", .integer(done)), ("failed", .integer(failed)),
            ("leftOut", .integer(leftOut)), ("mayFail", .integer(mayFail)),
            ("soaksUntil", soaksUntil.map { .string(UTCMoment.text($0)) }),
        ])
    }
}
