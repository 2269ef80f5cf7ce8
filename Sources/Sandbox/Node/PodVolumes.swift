internal import Kubernetes
internal import Failures
internal import Files
internal import FoundationEssentials
internal import Glibc
internal import JSONValues

extension HostCluster {
    /// The directory of one volume of a pod; nil for what no container of the simulation reads.
    func place(_ volume: JSONValue, _ pod: JSONValue, _ directory: String) throws(Failure) -> String? {
        let name = volume.text("name") ?? ""
        let namespace = ObjectName(of: pod).namespace
        let own = "\(directory)/volumes/\(name)"
        if let claim = volume.text("persistentVolumeClaim", "claimName") {
            guard let path = self.directory(ofClaim: ObjectName(namespace, claim)) else {
                throw Failure(
                    .notFound, "MountVolume.SetUp failed for volume \"\(name)\"", why: "the claim \(claim) is not bound"
                )
            }
            try createDirectory(path)
            return path
        }
        if let path = volume.text("hostPath", "path") {
            // Only what this host made itself may be mounted, never the machine's own directories.
            guard path.hasPrefix(options.directory + "/") else { return nil }
            try createDirectory(path)
            return path
        }
        if volume["emptyDir"] != nil {
            try createDirectory(own)
            return own
        }
        if volume["secret"] != nil {
            try write(
                volume["secret"] ?? .null, .secrets, volume.text("secret", "secretName") ?? "", namespace, own)
            return own
        }
        if volume["configMap"] != nil {
            try write(volume["configMap"] ?? .null, .configMaps, volume.text("configMap", "name") ?? "", namespace, own)
            return own
        }
        return nil
    }

    private func write(
        _ source: JSONValue, _ resource: Resource, _ name: String, _ namespace: String, _ directory: String
    ) throws(Failure) {
        try createDirectory(directory)
        guard let object = store.get(resource, ObjectName(namespace, name)) else {
            if source["optional"]?.boolValue == true { return }
            throw Failure(
                .notFound, "MountVolume.SetUp failed for volume", why: "\(resource.type.plural) \"\(name)\" not found")
        }
        let items = source.list("items")
        for (key, text) in object.dictionary("data") {
            let item = items.first { $0.text("key") == key }
            if !items.isEmpty, item == nil { continue }
            let file = item?.text("path") ?? key
            // Keys are file names by the API's rules; a path of an item could lead elsewhere.
            guard !file.contains("/"), file != "..", !file.isEmpty else { continue }
            let bytes: [UInt8]
            if resource == .secrets {
                guard let data = Data(base64Encoded: text) else { continue }
                bytes = Array(data)
            } else {
                bytes = Array(text.utf8)
            }
            try PlainFile.write(bytes, to: "\(directory)/\(file)")
        }
    }
}

/// Small files of the simulation, which need not survive a power cut.
enum PlainFile {
    static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: UInt32 = 0o600) throws(Failure) {
        let file = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try Array(bytes).withBytes { bytes throws(Failure) in try file.writeAll(bytes, at: 0) }
    }

    /// The content; nil where there is no such file.
    static func read(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { Array($0) } }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
