internal import JSONValues

/// The parts of a container's spec that a node needs.
struct JSONContainer: Sendable {
    let json: JSONValue
    let name: String
    let image: String
    let command: [String]
    let isInit: Bool
    let mounts: [(volume: String, path: String, subPath: String, isReadOnly: Bool)]

    init(_ json: JSONValue, isInit: Bool) {
        self.json = json
        self.isInit = isInit
        name = json.text("name") ?? ""
        image = json.text("image") ?? ""
        command = (json.list("command") + json.list("args")).compactMap(\.stringValue)
        mounts = json.list("volumeMounts").map {
            (
                $0.text("name") ?? "", $0.text("mountPath") ?? "", $0.text("subPath") ?? "",
                $0["readOnly"]?.boolValue ?? false
            )
        }
    }

    static func all(of pod: JSONValue) -> [JSONContainer] {
        pod.list("spec", "initContainers").map { JSONContainer($0, isInit: true) }
            + pod.list("spec", "containers").map { JSONContainer($0, isInit: false) }
    }

    /// What a trial of k3s prints, as a command that does: its version, and which of the flags that are asked for it does not know.
    /// Hidden flags, as `--disable-agent` is, it knows all the same.
    var versionAnswer: [String]? {
        guard let script = command.last, script.contains("k3s --version") || command.suffix(1) == ["--version"],
            ImageTable.split(image).repository.hasSuffix("k3s"), let version = ServerVersion(image: image)
        else { return nil }
        let flags = script.split(separator: "for flag in ").dropFirst().first?.prefix { $0 != ";" } ?? ""
        let asked = flags.split(separator: " ").map(String.init)
        let unknown = asked.filter { !Self.flags.contains(String($0.dropFirst(2))) }.map { flag in
            "\(flag): Incorrect Usage: flag provided but not defined: -\(flag.dropFirst(2))"
        }
        let end = script.split(separator: "echo \"").last.map { String($0.prefix { $0 != "\"" }) } ?? ""
        return ["echo", (["k3s version \(version.text) (00000000)"] + unknown + [end]).joined(separator: "\n")]
    }

    private static let flags: Set<String> = [
        "data-dir", "disable", "service-cidr", "tls-san", "token", "kube-controller-manager-arg",
        "disable-network-policy", "disable-agent", "disable-cloud-controller", "disable-scheduler", "flannel-backend",
        "kube-apiserver-arg",
        "write-kubeconfig", "https-listen-port",
    ]

    /// Whether its image is one of k3s.
    var isK3s: Bool { ImageTable.split(image).repository.split(separator: "/").last == "k3s" }

    /// Whether it runs the server of k3s, and not one of its other commands, or none.
    var isServer: Bool {
        let words = command.flatMap { $0.split(whereSeparator: \.isWhitespace) }
        return isK3s && (words.isEmpty || words.contains("server"))
            && !words.contains { $0.hasPrefix("--cluster-reset-restore-path") }
    }

    var isDaytwo: Bool {
        ImageTable.split(image).repository.contains("daytwo") || Self.isDaytwo(command.first ?? "")
    }

    static func isDaytwo(_ program: String) -> Bool { program == "daytwo" || program.hasSuffix("/daytwo") }
}

/// What a container is in the simulation.
enum ContainerRole: Sendable {
    /// k3s or Kubernetes; the version from its image.
    case controlPlane(ServerVersion)
    /// The syncer beside k3s.
    case syncer
    /// The real daytwo.
    case agent
    case plain

    init(_ container: JSONContainer, in pod: JSONValue) {
        let copied = Self.copied(in: pod)
        if container.isDaytwo {
            self = .agent
        } else if container.isInit {
            self = .plain
        } else if container.isServer, let version = ServerVersion(image: container.image) {
            self = .controlPlane(version)
        } else if container.name == "syncer",
            let version = ServerVersion(image: copied) ?? ServerVersion(kubernetesImage: copied)
        {
            self = .controlPlane(version)
        } else if container.name == "syncer" {
            self = .syncer
        } else {
            self = .plain
        }
    }

    /// The image whose binaries an init container copies for the syncer; empty where none does.
    static func copied(in pod: JSONValue) -> String {
        pod.list("spec", "initContainers").first { ["vcluster", "kubernetes"].contains($0.text("name")) }?.text("image")
            ?? ""
    }
}
