internal import JSONValues
internal import Kubernetes

/// Why something is not taken for a virtual cluster.
struct Rejection: Error {
    let reason: SetAside.Reason

    static func malformed(_ what: String) -> Rejection { Rejection(reason: .malformed(what)) }
}

/// What the pods of a workload are made from, checked as far as it is used.
struct PodTemplate {
    // The API takes more; nobody writes more, and a hostile answer must not cost time.
    static let mostContainers = 64
    private static let longestWords = 256 << 10

    let spec: JSONValue
    let labels: [String: String]
    let initContainers: [Container]
    let containers: [Container]

    struct Container {
        let json: JSONValue
        let name: String
        let isInit: Bool
        let index: Int
        let image: String
        let command: [String]
        let arguments: [String]

        var words: [String] { command + arguments }
    }

    struct Mount {
        let volume: String
        let path: String
        let subPath: String
        let isReadOnly: Bool
    }

    init(of workload: ListedObject) throws(Rejection) {
        guard let template = workload.object["spec", "template"], let spec = template["spec"], spec.members != nil
        else {
            throw .malformed("spec.template.spec is no object")
        }
        self.spec = spec
        labels = template["metadata", "labels"]?.strings ?? [:]
        initContainers = try Self.containers(spec["initContainers"], isInit: true)
        containers = try Self.containers(spec["containers"], isInit: false)
        guard !containers.isEmpty else { throw .malformed("it has no container") }
    }

    func container(_ name: String) -> Container? { containers.first { $0.name == name } }

    func initContainer(_ name: String) -> Container? { initContainers.first { $0.name == name } }

    /// Whether a syncer before 0.20 is told to give each namespace inside one of its own on the host.
    var setsNamespaceMode: Bool {
        guard let syncer = container("syncer") else { return false }
        return ServerArguments(words: ServerArguments.spokenWords(syncer.words)).isSet("--multi-namespace-mode")
    }

    func volume(_ name: String) -> JSONValue? {
        spec["volumes"]?.arrayValue?.first { $0["name"]?.stringValue == name }
    }

    private static func containers(_ json: JSONValue?, isInit: Bool) throws(Rejection) -> [Container] {
        let list = isInit ? "initContainers" : "containers"
        guard let json, json != .null else { return [] }
        guard let values = json.arrayValue else { throw .malformed("\(list) is no list") }
        guard values.count <= mostContainers else { throw .malformed("\(list) has \(values.count) entries") }
        var result: [Container] = []
        for (index, value) in values.enumerated() {
            guard let name = value["name"]?.stringValue else { throw .malformed("\(list)[\(index)].name is no text") }
            let image = value["image"] ?? .string("")
            guard let image = image.stringValue else { throw .malformed("\(list)[\(index)].image is no text") }
            result.append(
                Container(
                    json: value, name: name, isInit: isInit, index: index, image: image,
                    command: try words(value["command"], "\(list)[\(index)].command"),
                    arguments: try words(value["args"], "\(list)[\(index)].args")))
        }
        return result
    }

    private static func words(_ json: JSONValue?, _ path: String) throws(Rejection) -> [String] {
        guard let json, json != .null else { return [] }
        guard let values = json.arrayValue else { throw .malformed("\(path) is no list") }
        let words = values.compactMap(\.stringValue)
        guard words.count == values.count else { throw .malformed("\(path) holds what is no text") }
        guard words.reduce(0, { $0 + $1.utf8.count + 1 }) <= longestWords else {
            throw .malformed("\(path) is too long")
        }
        return words
    }
}

extension PodTemplate.Container {
    var mounts: [PodTemplate.Mount] {
        (json["volumeMounts"]?.arrayValue ?? []).compactMap { mount in
            guard let volume = mount["name"]?.stringValue, let path = mount["mountPath"]?.stringValue else {
                return nil
            }
            return PodTemplate.Mount(
                volume: volume, path: FilePath.normalized(path), subPath: mount["subPath"]?.stringValue ?? "",
                isReadOnly: mount["readOnly"]?.boolValue ?? false)
        }
    }
}

/// Paths in a container, as text.
enum FilePath {
    /// Without slashes that say nothing.
    static func normalized(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// What a path has below a folder, without a leading slash; nil where it does not lie there.
    static func rest(of path: String, below folder: String) -> String? {
        if path == folder { return "" }
        let start = folder == "/" ? "/" : folder + "/"
        return path.hasPrefix(start) ? String(path.dropFirst(start.count)) : nil
    }

    static func joined(_ parts: String...) -> String {
        parts.flatMap { $0.split(separator: "/") }.joined(separator: "/")
    }
}
