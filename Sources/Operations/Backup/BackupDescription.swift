import Datastore
import Failures
import Foundation
import Stores

/// Puts together what `backup.json` and `inventory.json` say of a snapshot and the server's files.
struct BackupDescription {
    private let request: BackupRequest
    private let snapshot: DatastoreCopy
    private let files: ServerFiles
    private let context: OperationContext

    init(_ request: BackupRequest, _ snapshot: DatastoreCopy, _ files: ServerFiles, _ context: OperationContext) {
        self.request = request
        self.snapshot = snapshot
        self.files = files
        self.context = context
    }

    func document(id: String, name: ArchiveName) throws(Failure) -> BackupDocument {
        let contents = snapshot.contents
        let who = isKubernetes ? kubernetesIdentity() : k3sIdentity(contents)
        return BackupDocument(
            id: id,
            identity: BackupDocument.Identity(
                host: request.cluster.host, namespace: request.cluster.namespace, name: request.cluster.name,
                release: request.host?.release, clusterUID: contents.clusterUID, clusterCreated: contents.clusterCreated
            ),
            distribution: isKubernetes ? .kubernetes : nil, versions: versions(),
            datastore: BackupDocument.DatastoreFacts(
                driver: snapshot.driver.rawValue, entry: snapshot.entry, window: snapshot.window,
                rowsSHA256: snapshot.rowsSHA256, revisionsPerSecond: revisionsPerSecond(contents),
                etcd: snapshot.etcd),
            token: who.token, authorities: who.authorities, identityFilesState: who.filesState,
            identityFiles: who.files,
            secretsEncryption: try secretsEncryption(),
            firstCertificateExpiry: firstExpiry(),
            source: request.host == nil ? BackupDocument.dataDirectory : BackupDocument.hostCluster,
            layoutGeneration: request.host?.layoutGeneration, image: request.host?.image,
            exposure: request.host?.exposure,
            createdAt: UTCTime.string(name.createdAt),
            reasons: who.reasons + files.unreadable.map { "\($0) could not be read" } + snapshot.reasons
                + (request.host?.missing ?? []),
            daytwoVersion: OperationContext.version)
    }

    private var isKubernetes: Bool { request.directory.distribution == .kubernetes }

    /// Who a cluster is, and what keeps that from being whole in the archive.
    private struct Identity {
        let token: BackupDocument.TokenProof
        let authorities: [String: String]
        let filesState: String
        let files: String
        let reasons: [String]
    }

    private func k3sIdentity(_ contents: DatastoreContents) -> Identity {
        let token = TokenTrial(
            told: request.token, file: files.token, secret: request.hostToken, rows: contents.bootstrapRows)
        let proof = token.proof
        let identity = IdentitySet(contents: proof.contents) { files.bytes($0) }
        let fingerprints =
            proof.contents.map(CertificateFingerprints.init) ?? CertificateFingerprints { files.bytes($0) }
        return Identity(
            token: BackupDocument.TokenProof(
                isProven: proof.isProven, bootstrapKey: proof.opening?.key, password: proof.opening?.password.rawValue,
                sentence: token.fault ?? proof.sentence),
            authorities: fingerprints.authorities, filesState: "\(identity.state)", files: identity.sentence,
            reasons: reasons(token, identity))
    }

    /// Kubernetes has no server token and keeps nothing of itself in its datastore.
    private func kubernetesIdentity() -> Identity {
        let (state, sentence) = KubernetesFiles.state { files.small[$0] }
        let secret = KubernetesFiles.secret(of: request.cluster.name)
        var reasons: [String] = []
        if request.host == nil {
            if state != "complete" { reasons.append("the certificates are not whole: \(sentence)") }
        } else if !request.hostFiles.contains(where: { $0.path == secret }) {
            reasons.append(
                "Secret \(KubernetesFiles.secretName(of: request.cluster.name)) of the host is not in the archive: without it, vcluster makes new"
                    + " certificates, which voids every kubeconfig and token")
        }
        return Identity(
            token: BackupDocument.TokenProof(isProven: false, sentence: "Kubernetes has no server token"),
            authorities: KubernetesFiles.fingerprints { files.small[$0] }.authorities, filesState: state,
            files: sentence, reasons: reasons)
    }

    static func facts(_ snapshot: DatastoreCopy, _ files: ServerFiles) -> InventoryFacts {
        let contents = snapshot.contents
        let bound = contents.resources.filter { InventoryFacts.hostBound.contains($0.prefix) }
        return InventoryFacts(
            datastore: InventoryFacts.Contents(
                liveKeys: contents.liveKeys, rowsSHA256: snapshot.rowsSHA256, resources: contents.resources,
                largest: contents.largest, secrets: contents.secrets, unreadable: contents.problemCount,
                unreadableKeys: contents.problems,
                bindsToHost: Dictionary(bound.map { ($0.prefix, $0.count) }, uniquingKeysWith: +)),
            leftOut: files.leftOut)
    }

    /// The server's is what was told, else what the nodes of the control plane agree on; each other version is that of its node.
    private func versions() -> [String: BackupDocument.Version] {
        let nodes = snapshot.contents.nodes
        let control = nodes.filter(\.isControlPlane)
        let server = request.directory.distribution.rawValue
        var versions = [server: BackupDocument.Version.unknown]
        if let told = request.toldVersion {
            versions[server] = told
        } else if let first = control.first, control.allSatisfy({ $0.version == first.version }) {
            versions[server] = .init(value: first.version, source: "node object \(first.name)")
        }
        // The nodes of Kubernetes in a vcluster are those of its host.
        for node in nodes where !isKubernetes && node.version != versions[server]?.value {
            versions["k3s on \(node.name)"] = .init(value: node.version, source: "node object \(node.name)")
        }
        return versions
    }

    private func reasons(_ token: TokenTrial, _ identity: IdentitySet) -> [String] {
        var reasons: [String] = []
        if let fault = token.fault {
            reasons.append(fault)
        } else if !token.proof.isProven {
            reasons.append(token.proof.sentence)
        } else if files.token == nil {
            // A restore from the archive alone would stop at the start of k3s, so it is not a whole backup.
            reasons.append("server/token is missing, so the archive has no token\(otherToken)")
        }
        if let disagreement = token.disagreement { reasons.append(disagreement) }
        if case .incomplete = identity.state { reasons.append(identity.sentence) }
        return reasons
    }

    private var otherToken: String {
        if request.token != nil { return " (the one that was told opens the datastore: keep it)" }
        return request.hostToken == nil ? "" : " (the one in the host's Secret opens the datastore: keep it)"
    }

    private func secretsEncryption() throws(Failure) -> SecretsEncryption? {
        guard let bytes = files.bytes(.encryptionConfig) else { return nil }
        do throws(Failure) {
            return try SecretsEncryption(config: bytes)
        } catch {
            // A configuration that cannot be read is kept as it is, and told by not being told.
            return nil
        }
    }

    private func firstExpiry() -> String? {
        let folder = isKubernetes ? "\(KubernetesFiles.directory)/" : "tls/"
        let certificates = files.small.filter { $0.key.hasPrefix(folder) && $0.key.hasSuffix(".crt") }
        return Certificate.soonestExpiry(of: certificates.map { (path: $0.key, pem: $0.value) })
            .map { UTCTime.string(Date(timeIntervalSince1970: TimeInterval($0.notAfter))) }
    }

    private func revisionsPerSecond(_ contents: DatastoreContents) -> Double? {
        guard let born = contents.clusterCreated.flatMap({ UTCTime.parse($0) }) else { return nil }
        let age = snapshot.takenAt.timeIntervalSince(born)
        guard age > 60 else { return nil }
        return (Double(snapshot.window.maxRevision) / age * 1000).rounded() / 1000
    }
}

extension BootstrapProof {
    var opening: Opening? {
        if case .opened(let opening) = self { return opening }
        return nil
    }

    var contents: BootstrapContents? { opening?.contents }
}
