import Foundation
import Testing

@Suite("Documents", .timeLimit(.minutes(2)))
struct DocumentTests {
    @Test("The shapes of the JSON documents are as recorded")
    func shapes() throws {
        let fixture = try CommandFixture()
        let directory = try fixture.dataDirectory()
        try FileManager.default.removeItem(atPath: "\(directory)/server/token")
        let create = ["backup", "create", "--data-dir", directory, "--name", "blue", "--store", fixture.store]
        let created = try fixture.daytwo(create + ["-o", "json"])
        #expect(created.code == 3)
        let id = try created.json("id")
        let store = ["--store", fixture.store, "-o", "json"]
        var shapes: [(String, ChildProcess.Result)] = [("create", created)]
        shapes.append(("verify", try fixture.daytwo(["backup", "verify", id, "--deep"] + store)))
        shapes.append(("verify --all", try fixture.daytwo(["backup", "verify", "--all"] + store)))
        shapes.append(("list", try fixture.daytwo(["backup", "list"] + store)))
        shapes.append(("show", try fixture.daytwo(["backup", "show", id] + store)))
        shapes.append(("ls", try fixture.daytwo(["backup", "ls", id] + store)))
        shapes.append(("extract", try fixture.daytwo(["backup", "extract", id, "--to", "out"] + store)))
        shapes.append(("delete", try fixture.daytwo(["backup", "delete", id, "--yes"] + store)))
        shapes += try fleetShapes()
        var text = ""
        for (name, result) in shapes {
            var lines = Set<String>()
            Self.collect(try result.json(), "", into: &lines)
            text += "# \(name)\n" + lines.sorted().joined(separator: "\n") + "\n\n"
        }
        try Snapshot.expect(text, "json-shapes.txt")
    }

    /// What is shown of jobs, schedules and the configuration.
    private func fleetShapes() throws -> [(String, ChildProcess.Result)] {
        let fixture = try CommandFixture()
        let spec = CommandFixture.eachHour + "verify: {level: stored}\nretention: {keepLast: 1}\n"
        try fixture.configure(["blue", "red"], [("hourly", spec.replacing("{all: true}", with: "{names: [blue]}"))])
        try fixture.tick()
        try fixture.letTimePass(7200)
        try fixture.tick()
        try fixture.fleet("schedule", "trigger", "hourly")
        return try [
            "jobs list", "jobs show 1", "schedule list", "schedule next --count 1", "schedule trigger hourly",
            "schedule install --systemd --unit-file unit.service",
            "schedule uninstall --systemd --unit-file unit.service",
            "scheduler status", "doctor", "doctor --check", "config show", "config validate",
            "config init --directory new",
            "backup prune blue --dry-run", "backup prune blue --yes", "backup pin blue@latest --reason why",
            "backup drill blue@latest", "jobs cancel 5", "jobs retry 1",
        ].map { words in
            let arguments = words.split(separator: " ").map(String.init)
            return (words, try fixture.daytwo(arguments + ["--config", fixture.configuration, "-o", "json"]))
        }
    }

    /// Names that are data, and not part of the shape.
    private static let maps: Set<String> = [
        ".authorities", ".versions", ".contents.bindsToHost", ".contents.secrets.encodings",
    ]

    private static func collect(_ value: Any, _ path: String, into lines: inout Set<String>) {
        switch value {
        case let object as [String: Any]:
            for (name, value) in object {
                // The result of a job is the document that its command shows.
                if name == "result", value is [String: Any] {
                    lines.insert("\(path).result: document")
                    continue
                }
                let isMap = maps.contains(path) || path.hasSuffix(".namespaces")
                collect(value, "\(path).\(isMap ? "NAME" : name)", into: &lines)
            }
        case let array as [Any]:
            if array.isEmpty { lines.insert("\(path)[]") }
            for value in array { collect(value, path + "[]", into: &lines) }
        case is String: lines.insert("\(path): string")
        case let number as NSNumber:
            lines.insert("\(path): \(CFGetTypeIDIsBoolean(number) ? "boolean" : "number")")
        default: lines.insert("\(path): null")
        }
    }

    private static func CFGetTypeIDIsBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c"
    }

    @Test("Errors are documents too, when documents were asked for")
    func errors() throws {
        let fixture = try CommandFixture()
        for arguments in [
            ["backup", "list", "--store", "/nonexistent", "-o", "json"],
            ["backup", "list", "--frobnicate", "--output=json"],
        ] {
            let result = try fixture.daytwo(arguments)
            #expect(result.text == "")
            let error = try json(Array(result.errors.utf8))
            #expect(error["apiVersion"] as? String == "daytwo/v1")
            #expect(error["kind"] as? String == "Error")
            #expect(error["exitCode"] as? Int == Int(result.code))
            #expect(error["what"] is String && error["next"] is String && error["code"] is String)
        }
    }

    @Test("YAML says the same as JSON")
    func yaml() throws {
        let fixture = try CommandFixture()
        let id = try #require(try fixture.archive().split(separator: "_").last?.prefix(8))
        let arguments = ["backup", "show", String(id), "--store", fixture.store, "-o"]
        let yaml = try fixture.daytwo(arguments + ["yaml"]).text
        let document = try fixture.daytwo(arguments + ["json"]).json()
        #expect(yaml.hasPrefix("apiVersion: \"daytwo/v1\"\nkind: \"Backup\"\n"))
        #expect(yaml.contains("\nsha256: \"\(document["sha256"] as? String ?? "?")\"\n"))
        #expect(
            yaml.contains("\nauthorities:\n  client-ca: \"") || yaml.contains("\nauthorities:\n  \"client-ca\": \""))
    }

    @Test("Causes are for --verbose")
    func verbose() throws {
        let fixture = try CommandFixture()
        let arguments = ["backup", "list", "--store", try fixture.write("", to: "f") + "/x"]
        #expect(try !fixture.daytwo(arguments).errors.contains("cause:"))
        #expect(try fixture.daytwo(arguments + ["--verbose"]).errors.contains("cause:"))
    }

    @Test("Names from outside neither add lines nor drive the terminal")
    func hostileNames() throws {
        let fixture = try CommandFixture()
        let result = try fixture.daytwo(["backup", "list", "--store", "/nonexistent/\u{1B}[2J\nnext: rm"])
        #expect(!result.errors.contains("\u{1B}"))
        #expect(result.errors.split(separator: "\n").count <= 3)
    }
}
