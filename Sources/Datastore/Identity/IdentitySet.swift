/// Whether the identity files of a server are whole, held against its bootstrap row where that could be opened.
///
/// A server with half of them, or with others than its datastore has, changes its identity or does not start.
public struct IdentitySet: Sendable, Hashable {
    /// The verdict.
    public enum State: Sendable, Hashable {
        /// All there, and equal to the row where there is one.
        case complete
        /// Not one of them is there: k3s makes them again from the datastore, when the token is right and no stamp remains.
        case absent
        /// Some are not there.
        case incomplete
        /// All there, but some are not what the datastore has.
        case differs
    }

    /// Paths below `server/` that are not there.
    public let missing: [String]
    /// Paths below `server/` whose bytes are not those of the row.
    public let differing: [String]
    /// How many files were expected.
    public let expected: Int
    /// Whether the files were compared with a bootstrap row.
    public let isCompared: Bool

    /// Compares files with the row; without a row, those that every server has are expected.
    public init(contents: BootstrapContents?, reading file: (IdentityFile) -> [UInt8]?) {
        var missing: [String] = []
        var differing: [String] = []
        let wanted: [IdentityFile] =
            if let contents {
                IdentityFile.allCases.filter { contents[$0] != nil }
            } else {
                IdentityFile.essential
            }
        for wantedFile in wanted {
            guard let bytes = file(wantedFile) else {
                missing.append(wantedFile.path)
                continue
            }
            if let contents, contents[wantedFile] != bytes { differing.append(wantedFile.path) }
        }
        self.missing = missing
        self.differing = differing
        self.expected = wanted.count
        isCompared = contents != nil
    }

    /// The verdict.
    public var state: State {
        if missing.isEmpty { return differing.isEmpty ? .complete : .differs }
        return missing.count == expected ? .absent : .incomplete
    }

    /// One sentence for a person.
    public var sentence: String {
        let compared = isCompared ? " and equal to the bootstrap row" : ""
        let differ = "differ from the bootstrap row: \(differing.joined(separator: ", "))"
        return switch state {
        case .complete: "all \(expected) identity files are there\(compared)"
        case .absent: "none of the \(expected) identity files is there"
        case .incomplete:
            "identity files are missing: \(missing.joined(separator: ", "))"
                + (differing.isEmpty ? "" : "; others \(differ)")
        case .differs: "identity files \(differ)"
        }
    }
}
