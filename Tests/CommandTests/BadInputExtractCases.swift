import Testing

/// What is asked of `backup extract`.
extension BadInputCases {
    static let extractions: [String: Make] = [
        "object-sealed": { cases in
            let archive = try cases.fixture.archive(of: Fixtures.encrypted, as: "sealed")
            let list = try cases.fixture.daytwo([
                "backup", "ls", archive, "--objects", "/registry/secrets/kube-system/", "-o", "name",
            ])
            let key = try #require(list.text.split(separator: "\n").first)
            return BadInput(arguments: ["backup", "extract", archive, "--object", String(key)])
        },
        "extract-unsaid": { cases in BadInput(arguments: ["backup", "extract", try cases.fixture.archive()]) },
        "extract-mixed": { cases in
            BadInput(arguments: ["backup", "extract", try cases.fixture.archive(), "--object", "secret/a/b", "server"])
        },
    ]
}
