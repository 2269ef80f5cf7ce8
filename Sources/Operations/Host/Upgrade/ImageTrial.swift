import Policies

/// An image of k3s that has to start beside the agent first, and tell its version and whether it knows the flags of a control plane.
struct ImageTrial: Sendable {
    private static let end = "daytwo: all flags are asked for"
    private static let unknown = "flag provided but not defined"

    let image: String
    let flags: [String]

    /// `flags` are those that the control plane has: `--data-dir`.
    init(_ image: String, flags: [String]) {
        self.image = image
        // They go into a script.
        self.flags = Set(flags).filter { flag in
            flag.hasPrefix("--")
                && flag.utf8.dropFirst(2).allSatisfy { (0x61...0x7A).contains($0 | 0x20) || (0x2D...0x39).contains($0) }
        }.sorted()
    }

    /// The help does not show every flag (`--disable-agent`, which all vclusters have, is hidden in k3s v1.21.3), so for the others
    /// the parser itself is asked: it names a flag that it does not know before it shows the help.
    var command: [String] {
        let asking = """
            /bin/k3s --version && help=$(/bin/k3s server --help 2>&1) && for flag in \(flags.joined(separator: " ")); do \
            case "$help" in *"   $flag "* | *"   $flag,"*) continue ;; esac; \
            said=$(/bin/k3s server "$flag=1" --help 2>&1) || echo "$flag: ${said%%NAME:*}"; done; echo "\(Self.end)"
            """
        return ["/bin/sh", "-c", asking]
    }

    /// The flags that it does not know, as its log tells; nil where it does not tell.
    func unknownFlags(_ log: String) -> [String]? {
        let lines = log.split(whereSeparator: \.isNewline)
        guard lines.contains(where: { $0.hasSuffix(Self.end) }) else { return nil }
        return flags.filter { flag in lines.contains { $0.hasPrefix("\(flag): ") && $0.contains(Self.unknown) } }
    }
}
