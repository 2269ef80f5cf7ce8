internal import Failures
internal import Files
internal import FoundationEssentials

/// What a k3s server does about its identity when it starts, right and wrong alike.
struct IdentityStart {
    let server: String
    let version: ServerVersion
    /// `--token` or `K3S_TOKEN`, where there is one.
    let givenPassword: String?
    let log: ContainerLog

    // k3s up to 1.21 marks that it joined, and then believes its files, or makes new ones, without asking the datastore.
    private var hasStamps: Bool { version.minor <= 21 }

    private var stamp: String? {
        let names: [String]
        do throws(Failure) { names = try directoryNames("\(server)/db") } catch { return nil }
        return names.first { $0.hasPrefix("joined-") }
    }

    /// The identity to run with; throws where the real server ends with a fatal error.
    func identity(_ database: any PlaneDatabase, isNew: Bool) throws(Failure) -> VirtualIdentity {
        let files = VirtualIdentity.onDisk(server)
        let password =
            givenPassword
            ?? PlainFile.read("\(server)/token").flatMap(VirtualIdentity.password(ofToken:))
            ?? files?["PasswdFile"].flatMap(VirtualIdentity.password(inPasswd:))
        if hasStamps, stamp != nil, !isNew {
            log.line("level=info msg=\"Cluster bootstrap already complete\"")
            return try withoutAsking(files, password)
        }
        let rows = try database.list(prefix: "/bootstrap/")
        guard !rows.isEmpty else {
            let identity = try withoutAsking(files, password)
            try save(identity, database)
            return identity
        }
        for candidate in [password, ""].compactMap({ $0 }) {
            guard let row = rows.first(where: { $0.name == BootstrapRow.key(password: candidate) }),
                let opened = BootstrapRow.open(row.value, password: candidate)
            else { continue }
            if let files, !hasStamps { try compare(files, opened.files, opened.saved) }
            let kept = hasStamps ? files ?? opened.files : opened.files
            let identity = VirtualIdentity(
                files: kept,
                password: password ?? opened.files["PasswdFile"].flatMap(VirtualIdentity.password(inPasswd:)) ?? "")
            try write(identity)
            return identity
        }
        throw Failure(
            .failed, "starting kubernetes: preparing server",
            why: "bootstrap data already found and encrypted with different token")
    }

    private func withoutAsking(_ files: [String: [UInt8]]?, _ password: String?) throws(Failure) -> VirtualIdentity {
        let own = password ?? VirtualIdentity.randomHexadecimal(16)
        let identity: VirtualIdentity
        if let files {
            identity = VirtualIdentity(files: files, password: own)
        } else {
            identity = try VirtualIdentity(newWithPassword: own)
        }
        try write(identity)
        return identity
    }

    private func write(_ identity: VirtualIdentity) throws(Failure) {
        try identity.lay(out: server)
        if hasStamps { try PlainFile.write([], to: "\(server)/db/joined-e3b0c44298fc", mode: 0o644) }
    }

    private func save(_ identity: VirtualIdentity, _ database: any PlaneDatabase) throws(Failure) {
        try database.put(
            BootstrapRow.key(password: identity.password),
            try BootstrapRow.seal(identity.files, password: identity.password, withTimes: !hasStamps))
    }

    /// Newer servers refuse files that are newer than the datastore's, and overwrite older ones.
    private func compare(_ files: [String: [UInt8]], _ kept: [String: [UInt8]], _ saved: Date?) throws(Failure) {
        for (name, bytes) in kept.sorted(by: { $0.key < $1.key }) where files[name] != nil && files[name] != bytes {
            guard let path = VirtualIdentity.paths[name], let saved else { continue }
            let changed: Date?
            do {
                changed =
                    try FileManager.default.attributesOfItem(atPath: "\(server)/\(path)")[.modificationDate] as? Date
            } catch { changed = nil }
            if let changed, changed.timeIntervalSince(saved) >= 3 {
                throw Failure(
                    .failed, "starting kubernetes: preparing server",
                    why:
                        "/data/server/\(path) newer than datastore and could cause a cluster outage. Remove the file(s) "
                        + "from disk and restart to be recreated from datastore.")
            }
        }
    }
}
