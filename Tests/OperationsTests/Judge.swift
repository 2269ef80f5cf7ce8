import Files
import Foundation
import Testing

/// Tells which set of the small server is in place, and whether the other one is where it belongs.
struct Judge {
    private let before: TreePicture
    private let restored: TreePicture

    init(_ samples: SampleServers) {
        before = samples.before
        restored = samples.restored
    }

    enum Whole { case old, new }

    /// Which whole set `server/` is; anything else is an issue.
    @discardableResult
    func whole(_ root: String, _ note: String, _ location: SourceLocation = #_sourceLocation) throws -> Whole {
        if try TreePicture("\(root)/server") == before { return .old }
        let differences = try TreePicture.restored("\(root)/server").differences(restored).prefix(5)
        try #require(differences.isEmpty, "\(note): neither set: \(differences)", sourceLocation: location)
        return .new
    }

    /// Sets that lie beside the data.
    func sets(_ root: String) throws -> [String] {
        guard try FileStatus.ifPresent("\(root)/.daytwo") != nil else { return [] }
        return try directoryNames("\(root)/.daytwo").map { "\(root)/.daytwo/\($0)/server" }
            .filter { try FileStatus.ifPresent($0) != nil }
    }

    /// The new set is in place, and the old one beside it, byte for byte.
    func expectRestored(_ root: String, _ note: String, _ location: SourceLocation = #_sourceLocation) throws {
        let now = try whole(root, note, location)
        #expect(now == .new, "\(note)", sourceLocation: location)
        let sets = try sets(root)
        #expect(sets.count == 1, "\(note): \(sets)", sourceLocation: location)
        for set in sets {
            let differences = try TreePicture(set).differences(before)
            #expect(differences.isEmpty, "\(note): the old set: \(differences.prefix(5))", sourceLocation: location)
        }
    }

    /// The old set is in place, and nothing is left beside it.
    func expectOld(_ root: String, _ note: String, _ location: SourceLocation = #_sourceLocation) throws {
        let now = try whole(root, note, location)
        #expect(now == .old, "\(note)", sourceLocation: location)
        let sets = try sets(root)
        #expect(sets == [], "\(note)", sourceLocation: location)
    }
}
