import Failures
import JSONValues
import Testing

struct JSONTests {
    @Test(arguments: [
        #"{"a":[1,-2.50e+3,1e400,0],"b":{"c":null,"d":true,"e":false},"":"x"}"#, "[]", "{}", "\"é\\n\\u0001\\\"\\\\\"",
        "18446744073709551616",
    ])
    func documentsComeBackAsTheyWere(text: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)).serialized() == Array(text.utf8))
    }

    @Test func escapesAreUnderstood() throws {
        let value = try JSONValue(parsing: Array(#" "\u0041\ud83d\ude00\/\b\f\n\r\t" "#.utf8))
        #expect(value == .string("A😀/\u{8}\u{C}\n\r\t"))
    }

    @Test func yamlHasNoCharacterThatYAMLTakesForMore() {
        let value = JSONValue.object([JSONMember("a\u{2028}", .string("é\u{85}\u{FEFF}\u{FFFF}😀"))])
        #expect(value.yaml() == "\"a\\u2028\": \"é\\u0085\\ufeff\\uffff😀\"\n")
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "01", "-", "1.", ".5", "1e",
        "+1", "tru",
        "nul", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"",
        "{\"a\":1,\"a\":2}",
        "{} x", "'a'", "{a:1}", "NaN",
    ])
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: Failure.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func badUTF8AndDeepNestingAreRefused() {
        #expect(throws: Failure.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: Failure.self) { try JSONValue(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: Failure.self) { try JSONValue(parsing: deep) }
    }

    @Test func valuesOfOthersGoInAndOut() throws {
        struct Facts: Codable, Equatable {
            var rows: Int
            var byResource: [String: Int]
        }
        let facts = Facts(rows: 1 << 60, byResource: ["pods": 3, "leases/é": 4])
        let value = try JSONValue(encoding: facts)
        #expect(value["rows"] == .integer(1 << 60))
        #expect(try value.decode(Facts.self) == facts)
        #expect(throws: Failure.self) { try JSONValue.array([]).decode(Facts.self) }
    }
}

struct PathTests {
    private let value: JSONValue

    init() throws { value = try JSONValue(parsing: Array(#"{"a":{"b":1,"c":2},"d":"e"}"#.utf8)) }

    @Test func pathsLeadToValues() {
        #expect(value["a", "b"] == .integer(1))
        #expect(value["a", "x"] == nil)
        #expect(value["d", "x"] == nil)
    }

    @Test func settingChangesOneMemberAndKeepsTheOrder() {
        func text(_ value: JSONValue) -> String { value.compact }
        #expect(text(value.setting(["a", "b"], to: .null)) == #"{"a":{"b":null,"c":2},"d":"e"}"#)
        #expect(text(value.setting(["x", "y"], to: .bool(true))) == #"{"a":{"b":1,"c":2},"d":"e","x":{"y":true}}"#)
        #expect(text(value.setting(["d", "y"], to: .bool(true))) == #"{"a":{"b":1,"c":2},"d":{"y":true}}"#)
        #expect(text(value.removing("a", "c")) == #"{"a":{"b":1},"d":"e"}"#)
        #expect(text(value.removing("d", "y")) == text(value))
        #expect(text(value.removing("x", "y")) == text(value))
        #expect(text(value.setting(["x"], to: nil)) == text(value))
    }
}
