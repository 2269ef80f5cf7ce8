import Foundation
import Testing

/// A row of the table in BadInput.md.
struct BadInputRow: CustomTestStringConvertible {
    let name: String
    let message: String
    let code: Int32

    var testDescription: String { name }

    static let page = "\(Fixtures.sources)/DaytwoCLI/Documentation.docc/BadInput.md"

    /// The rows: `| name | input | message | exit code |`.
    static let all: [BadInputRow] = {
        guard let text = try? String(contentsOfFile: page, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard line.hasPrefix("| `"), cells.count == 4, let code = Int32(cells[3]) else { return nil }
            return BadInputRow(
                name: cells[0].replacing("`", with: ""), message: cells[2].trimmingCharacters(in: ["`"]), code: code)
        }
    }()

    /// `…` stands for any text.
    func matches(_ line: String) -> Bool {
        let parts = message.components(separatedBy: "…")
        var rest = line[...]
        for (position, part) in parts.enumerated() where !part.isEmpty {
            guard let range = position == 0 ? rest.range(of: part, options: .anchored) : rest.range(of: part) else {
                return false
            }
            rest = rest[range.upperBound...]
        }
        return parts.last == "" || rest.isEmpty
    }
}

@Suite("Bad input", .timeLimit(.minutes(5)))
struct BadInputTests {
    @Test("The page and the cases are of the same inputs")
    func tableIsWhole() {
        #expect(Set(BadInputRow.all.map(\.name)) == Set(BadInputCases.all.keys))
        #expect(BadInputRow.all.count == BadInputCases.all.count)
    }

    @Test("Message and exit code are as the page says, and nothing is left", arguments: BadInputRow.all)
    func row(_ row: BadInputRow) throws {
        let fixture = try CommandFixture()
        let make = try #require(BadInputCases.all[row.name])
        guard let input = try made(make, fixture) else { return }
        let before = try input.unchanged.map(fixture.tree)
        let result = try fixture.daytwo(input.arguments, asNobody: input.asNobody)
        let all = result.errors + result.text
        #expect(!result.timedOut, "it hangs")
        #expect(result.code == row.code, "\(all)")
        let lines = all.split(separator: "\n").map { line in
            String(line.hasPrefix("daytwo: ") ? line.dropFirst("daytwo: ".count) : line)
        }
        #expect(lines.contains(where: row.matches), "no line is like \(row.message):\n\(all)")
        #expect(result.errors.split(separator: "\n").count <= input.lines, "\(result.errors)")
        #expect(try input.unchanged.map(fixture.tree) == before)
        if let empty = input.empty, FileManager.default.fileExists(atPath: empty) {
            #expect(try fixture.tool("find", empty, "-type", "f") == "", "something is left")
        }
    }

    /// The input, or nil where this machine does not let it be made; that is said and not passed over.
    private func made(_ make: BadInputCases.Make, _ fixture: CommandFixture) throws -> BadInput? {
        do {
            let input = try make(BadInputCases(fixture))
            guard input.needs != .root || CommandFixture.isRoot else {
                Issue.record("not tried: it needs root", severity: .warning)
                return nil
            }
            return input
        } catch let error as CommandFixture.ToolFailed where error.arguments.first == "mount" {
            Issue.record("not tried: a small file system cannot be mounted here", severity: .warning)
            return nil
        }
    }
}
