/// A kubeconfig with everything in it.
struct Kubeconfig: Sendable {
    let server: String
    let authority: String
    var certificate: String?
    var key: String?
    var token: String?
    let name: String

    var text: String {
        var user = ""
        if let certificate, let key {
            user +=
                "    client-certificate-data: \(Base64.encode(certificate))\n    client-key-data: \(Base64.encode(key))\n"
        }
        if let token { user += "    token: \(token)\n" }
        return """
            apiVersion: v1
            kind: Config
            clusters:
            - cluster:
                certificate-authority-data: \(Base64.encode(authority))
                server: \(server)
              name: \(name)
            contexts:
            - context:
                cluster: \(name)
                user: \(name)
              name: \(name)
            current-context: \(name)
            preferences: {}
            users:
            - name: \(name)
              user:
            \(user)
            """
    }
}
