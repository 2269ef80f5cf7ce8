internal import Failures
internal import Files

/// The zone files of the machine, by their IANA names.
struct ZoneDirectory {
    private static let largestFile = 1 << 18
    private let path: String

    init(_ path: String) { self.path = path }

    /// The file of a zone. The name is checked before it becomes part of a path.
    func bytes(of name: String) throws(Failure) -> [UInt8] {
        guard Self.isName(name) else {
            throw Failure(
                .usage, "\(String(name.prefix(100)).debugDescription) is no name of a time zone",
                next: "Name it as IANA does, like Europe/Berlin or UTC.")
        }
        let file = "\(path)/\(name)"
        guard try FileStatus.ifPresent(file, following: true)?.kind == .regular else { throw unknown(name) }
        let bytes = try readFile(file, limit: Self.largestFile)
        // Tables like zone.tab lie among the zones.
        guard bytes.starts(with: ZoneFile.magic) else { throw unknown(name) }
        return bytes
    }

    private static func isName(_ name: String) -> Bool {
        guard name.utf8.count <= 100 else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            part.utf8.first.map { $0 != UInt8(ascii: ".") } ?? false
                && part.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                        || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+")
                        || $0 == UInt8(ascii: ".")
                }
        }
    }

    private func unknown(_ name: String) -> Failure {
        let names = zoneNames()
        if names.isEmpty {
            return Failure(
                .failed, "there is no time zone data in \(path)", why: "\(name) is needed",
                next: "Install the package tzdata, or use UTC.")
        }
        let near = Suggestion.nearest(to: name, among: names) ?? sameCity(as: name, among: names)
        return Failure(
            .usage, "there is no time zone \(name.debugDescription)",
            next: near.map { "Did you mean \($0)?" } ?? "Name it as IANA does, like Europe/Berlin or UTC.")
    }

    private func sameCity(as name: String, among names: [String]) -> String? {
        let city = name.split(separator: "/").last.map { $0.lowercased() }
        return names.first { $0.split(separator: "/").last.map { $0.lowercased() } == city }
    }

    /// All names, for a suggestion; what cannot be listed is left out, since the failure is another.
    private func zoneNames() -> [String] {
        var names: [String] = []
        func collect(_ folder: String, _ prefix: String, depth: Int) {
            do throws(Failure) {
                for entry in try directoryNames(folder)
                where entry.utf8.first.map({ (0x41...0x5A).contains($0) }) == true {
                    switch try FileStatus(of: "\(folder)/\(entry)", following: true).kind {
                    case .directory where depth < 3:
                        collect("\(folder)/\(entry)", "\(prefix)\(entry)/", depth: depth + 1)
                    case .regular: names.append(prefix + entry)
                    default: break
                    }
                }
            } catch {
                return
            }
        }
        collect(path, "", depth: 0)
        return names
    }
}
