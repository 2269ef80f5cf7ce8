public import Failures
internal import Files

extension ClusterConnection {
    /// Where Kubernetes puts a pod's service account.
    public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The connection of a pod to the cluster that it runs in.
    ///
    /// `host` and `port` are what the pod finds in `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. Throws
    /// `notFound` where there is no service account.
    public static func inCluster(
        host: String, port: String, folder: String = serviceAccountFolder
    ) throws(Failure) -> ClusterConnection {
        guard !host.isEmpty, let number = UInt16(port), number > 0 else {
            throw Failure(
                .usage, "the address of the cluster that this pod runs in is not known",
                why: "KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is missing",
                next: "Name a kubeconfig, or run it in a pod.")
        }
        let tokenFile = folder + "/token"
        guard try FileStatus.ifPresent(tokenFile, following: true) != nil else {
            throw Failure(
                .notFound, "the pod has no service account: \(tokenFile) is missing",
                next: "Let automountServiceAccountToken be true, or name a kubeconfig.")
        }
        let namespaceFile = folder + "/namespace"
        var namespace: String?
        if try FileStatus.ifPresent(namespaceFile, following: true) != nil {
            let text = String(decoding: try readFile(namespaceFile, limit: 4096), as: UTF8.self)
            namespace = text.split(whereSeparator: \.isWhitespace).first.map { String($0) }
        }
        return ClusterConnection(
            name: "in-cluster", server: "https://\(host.contains(":") ? "[\(host)]" : host):\(number)",
            authorities: try readFile(folder + "/ca.crt", limit: CredentialFiles.limit),
            credentials: Credentials(tokenFile: tokenFile), namespace: namespace)
    }
}

/// What is read of files that hold certificates, keys and tokens.
enum CredentialFiles {
    static let limit = 1 << 20

    /// The token in a file.
    static func token(_ path: String) throws(Failure) -> String {
        let text = String(decoding: try readFile(path, limit: limit), as: UTF8.self)
        guard let token = text.split(whereSeparator: \.isWhitespace).first else {
            throw Failure(.denied, "the token file \(path) is empty")
        }
        return String(token)
    }
}
