import Failures
import JSONValues

/// Lists of a virtual API, read page by page: several at once, since each round of questions costs a connection through the host.
struct VirtualLists {
    /// Why a list was not read to its end.
    enum Trouble: Equatable, CustomStringConvertible {
        /// The API does not have it.
        case missing
        /// What the API said instead.
        case refused(String)
        /// It has too much to look at.
        case endless

        var description: String {
            switch self {
            case .missing: "the API does not have it"
            case .refused(let said): said
            case .endless: "there is too much to look at"
            }
        }
    }

    private static let pages = 200
    /// So many pages of the largest size are still little to hold.
    private static let atOnce = 4
    private static let longestPage = 16 << 20

    /// `/api/v1/nodes?limit=200`, each with its query.
    let paths: [String]

    private struct Place {
        let number: Int
        var next = ""
        var pages = 0
    }

    /// The first of what was in the way, in words; nil where nothing was.
    func problem(_ troubles: [Int: Trouble]) -> String? {
        troubles.min { $0.key < $1.key }.map { "\(paths[$0.key].prefix { $0 != "?" }): \($0.value)" }
    }

    /// Hands over each object with the number of its list; gives what was in the way, by the numbers of the lists.
    func read(
        _ conversation: VirtualAPI.Conversation, _ take: (Int, JSONValue) -> Void
    ) throws(Failure) -> [Int: Trouble] {
        try read(
            asking: { paths throws(Failure) in
                try conversation.get(paths, longestAnswer: Self.longestPage).answers
            }, take)
    }

    func read(
        asking ask: ([String]) throws(Failure) -> [VirtualAnswers.Answer], _ take: (Int, JSONValue) -> Void
    ) throws(Failure) -> [Int: Trouble] {
        var troubles: [Int: Trouble] = [:]
        var open = paths.indices.map { Place(number: $0) }[...]
        while !open.isEmpty {
            let round = Array(open.prefix(Self.atOnce))
            open = open.dropFirst(round.count)
            let asked = round.map { paths[$0.number] + ($0.next.isEmpty ? "" : "&continue=\($0.next)") }
            for (place, answer) in zip(round, try ask(asked)) {
                guard answer.status == 200, let json = answer.json else {
                    let said = answer.problem ?? "status \(answer.status ?? 0)"
                    troubles[place.number] = answer.status == 404 ? .missing : .refused(said)
                    continue
                }
                for item in json["items"]?.arrayValue ?? [] { take(place.number, item) }
                let following = json["metadata", "continue"]?.stringValue ?? ""
                guard !following.isEmpty, following != place.next else { continue }
                guard place.pages + 1 < Self.pages else {
                    troubles[place.number] = .endless
                    continue
                }
                open.append(Place(number: place.number, next: following, pages: place.pages + 1))
            }
        }
        return troubles
    }
}
