import Failures

/// What a caller asks of an agent that is to restore. The bytes of an archive follow as data.
struct AgentRestoreParameters: Codable, Sendable {
    /// An archive that follows.
    struct ArchiveFile: Codable, Sendable {
        var fileName: String
        var size: UInt64
    }

    var archive: ArchiveFile?
    /// The id of an archive that lies on the volume already, in place of one that follows.
    var aside: String?
    /// For a plan and a run.
    var options: RemoteRestoreOptions?
    /// The run that is meant; without it the only one that fits.
    var run: String?
    var discardsOld: Bool?

    /// Refuses what an agent would refuse.
    func check() throws(Failure) {
        if let run = options?.run {
            let isHex = run.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            guard run.utf8.count == 32, isHex
            else { throw Failure(.usage, "\(run.prefix(40).debugDescription) is no id of a run") }
        }
        guard aside == nil || archive == nil else {
            throw Failure(.usage, "an archive either follows or lies aside on the volume")
        }
        guard let name = archive?.fileName else { return }
        let isName = !name.isEmpty && name.utf8.count <= 255 && !name.utf8.contains { $0 < 0x20 || $0 == 0x2F }
        guard isName, ![".", ".."].contains(name) else {
            throw Failure(.usage, "\(name.debugDescription) is no name of an archive")
        }
    }
}

extension RemoteRestoreOptions {
    /// As for a data directory.
    var restoreOptions: RestoreOptions {
        var options = RestoreOptions()
        options.bumpsRevision = bumpsRevision
        options.replacesOtherCluster = replacesOtherCluster
        options.acceptsNewIdentity = acceptsNewIdentity
        options.serverFiles = serverFiles
        options.discardsOld = discardsOld
        options.newerVolumes = newerVolumes
        options.isWayBack = isWayBack
        options.guardsEtcd = guardsEtcd
        options.cleanings = cleanings
        options.emptiedClaims = emptiedClaims
        return options
    }
}
