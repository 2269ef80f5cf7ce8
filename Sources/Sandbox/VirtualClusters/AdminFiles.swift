internal import Failures

/// The administrator's certificate below `server/`, and the kubeconfig by which k3s itself goes to its API.
struct AdminFiles {
    /// The real path of `server/`.
    let server: String
    /// The data directory as k3s sees it.
    let dataDirectory: String
    let port: Int

    /// Writes the certificate. The kubeconfig is written with the first one only, as k3s v1.21 does; it has to lead to this directory.
    func write(_ admin: KeyedCertificate) throws(Failure) {
        let certificate = "\(dataDirectory)/server/tls/client-admin.crt"
        let kubeconfig = "\(server)/cred/admin.kubeconfig"
        let kept = PlainFile.exists("\(server)/tls/client-admin.crt") ? PlainFile.read(kubeconfig) : nil
        if let kept {
            let named = String(decoding: kept, as: UTF8.self).split(whereSeparator: \.isNewline)
                .first { $0.contains("client-certificate: ") }?.split(separator: " ").last.map(String.init)
            guard named == certificate else {
                throw Failure(
                    .failed,
                    "starting kubernetes: invalid configuration: [unable to read client-cert \(named ?? "") for user due to open"
                        + " \(named ?? ""): no such file or directory]")
            }
        } else {
            try PlainFile.write(text(certificate).utf8, to: kubeconfig)
        }
        try PlainFile.write(admin.certificatePEM.utf8, to: "\(server)/tls/client-admin.crt")
        try PlainFile.write(admin.keyPEM.utf8, to: "\(server)/tls/client-admin.key")
    }

    private func text(_ certificate: String) -> String {
        """
        apiVersion: v1
        clusters:
        - cluster:
            server: https://127.0.0.1:\(port + 1)
            certificate-authority: \(dataDirectory)/server/tls/server-ca.crt
          name: local
        contexts:
        - context:
            cluster: local
            namespace: default
            user: user
          name: Default
        current-context: Default
        kind: Config
        preferences: {}
        users:
        - name: user
          user:
            client-certificate: \(certificate)
            client-key: \(dataDirectory)/server/tls/client-admin.key

        """
    }
}
