import Foundation

/// The records of the restores on a volume, and which were there when this was made.
struct RestoreJournals {
    private let folder: String
    private let before: Set<String>

    init(folder: String) {
        self.folder = folder
        before = Set(Self.paths(folder))
    }

    /// Whether one that is newer has come to a state.
    func hasNew(_ state: String) -> Bool {
        Self.paths(folder).contains { path in
            guard !before.contains(path), let data = FileManager.default.contents(atPath: path) else { return false }
            return String(decoding: data, as: UTF8.self).contains("\"state\" : \"\(state)\"")
        }
    }

    private static func paths(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { "\(folder)/\($0)/journal.json" }
    }
}
