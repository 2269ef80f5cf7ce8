import Failures
import JSONValues
import Testing

@testable import Operations

@Suite("Lists of a virtual API", .timeLimit(.minutes(1)))
struct VirtualListsTests {
    private typealias Answer = VirtualAnswers.Answer

    private func page(_ names: [String], next: String = "") -> Answer {
        let items = names.map { "{\"metadata\":{\"name\":\"\($0)\"}}" }.joined(separator: ",")
        return Answer(status: 200, body: "{\"metadata\":{\"continue\":\"\(next)\"},\"items\":[\(items)]}")
    }

    @Test("are read to their ends, at most four pages in a round, and each object once")
    func rounds() throws {
        let paths = (0..<6).map { "/list\($0)?limit=2" }
        var rounds: [[String]] = []
        var found: [Int: [String]] = [:]
        let troubles = try VirtualLists(paths: paths).read(
            asking: { asked throws(Failure) in
                rounds.append(asked)
                return asked.map { path in
                    let number = path.dropFirst(5).prefix(1)
                    guard !path.contains("continue=") else { return page(["last\(number)"]) }
                    return number == "1" || number == "4" ? page(["a", "b"], next: "x\(number)") : page(["only"])
                }
            },
            { number, item in found[number, default: []].append(item["metadata", "name"]?.stringValue ?? "") })
        #expect(troubles.isEmpty)
        #expect(
            rounds == [
                Array(paths[..<4]),
                [paths[4], paths[5], paths[1] + "&continue=x1"],
                [paths[4] + "&continue=x4"],
            ])
        #expect(found[1] == ["a", "b", "last1"] && found[4] == ["a", "b", "last4"])
        #expect([0, 2, 3, 5].allSatisfy { found[$0] == ["only"] })
    }

    @Test("that are not there, are refused or have no end are told, and hold up no other")
    func troubles() throws {
        let paths = ["/missing?", "/denied?", "/silent?", "/endless?", "/stuck?", "/good?"]
        var pages = 0
        var good = 0
        let troubles = try VirtualLists(paths: paths).read(
            asking: { asked throws(Failure) in
                asked.map { path in
                    switch path.dropFirst().prefix(4) {
                    case "miss": return Answer(status: 404)
                    case "deni": return Answer(status: 403, problem: "no rights")
                    case "sile": return Answer(status: nil, problem: "it does not answer")
                    case "endl":
                        pages += 1
                        return page([], next: "page\(pages)")
                    case "stuc": return page([], next: "same")
                    default: return page(["one"])
                    }
                }
            }, { _, _ in good += 1 })
        #expect(
            troubles == [0: .missing, 1: .refused("no rights"), 2: .refused("it does not answer"), 3: .endless])
        #expect(pages == 200 && good == 1)
    }
}
