internal import JSONValues
internal import Kubernetes

/// Where a server keeps its objects, and where it takes its token from.
struct DatastoreReading {
    let cluster: String
    let settings: ServerSettings
    let configuration: ChartConfiguration

    private var layout: RecognizedLayout { settings.layout }
    private var directory: String { settings.dataDirectory }

    func datastore() -> ClusterDatastore {
        if layout.generation == .e { return configured(database: "\(directory)/state.db") }
        let endpoint = settings.setting(["--datastore-endpoint"], "K3S_DATASTORE_ENDPOINT", "datastore-endpoint")
        if let endpoint { return named(by: endpoint.given) }
        if settings.hasUnreadableFile {
            return .unknown(
                reason:
                    "its configuration file could not be read\(settings.fileSecret.map { " from Secret \($0)" } ?? "")")
        }
        if let source = settings.surroundings.unreadableImport(of: layout.runner) {
            return .unknown(reason: "its environment is in \(source), which could not be read")
        }
        if layout.generation == .d { return configured(database: "\(directory)/server/db/state.db") }
        let isMember =
            settings.isSet("--cluster-init", "K3S_CLUSTER_INIT", "cluster-init")
            || settings.setting(["--server", "-s"], "K3S_URL", "server") != nil
        return isMember
            ? .embeddedEtcd(path: "\(directory)/server/db/etcd") : .sqlite(path: "\(directory)/server/db/state.db")
    }

    private func named(by given: Surroundings.Given) -> ClusterDatastore {
        guard let endpoint = given.text else {
            let place = given.secret.map { "is in Secret \($0), which could not be read" } ?? "could not be read"
            return .unknown(reason: "the datastore endpoint \(place)")
        }
        if endpoint.isEmpty { return .sqlite(path: "\(directory)/server/db/state.db") }
        if DatastoreEndpoint.isOwnEtcd(endpoint) { return .embeddedEtcd(path: "\(directory)/etcd") }
        if let external = DatastoreEndpoint.external(of: endpoint) { return .external(external) }
        guard DatastoreEndpoint.scheme(of: endpoint) == "sqlite" else { return .external(.other) }
        let isDefault = ["sqlite", "sqlite://"].contains(endpoint)
        return isDefault
            ? .sqlite(path: "\(directory)/server/db/state.db")
            : .unknown(reason: "the datastore endpoint names an SQLite file of its own")
    }

    /// What the chart's Secret says: the running syncer's note, the values, and never one against the other.
    private func configured(database: String) -> ClusterDatastore {
        guard let store = configuration.store ?? configuration.configuredStore else {
            let why = configuration.isThere == false ? "is not there" : "could not be read"
            return .unknown(reason: "Secret \(configuration.secret) \(why)")
        }
        if let values = configuration.configuredStore, values != store {
            return .unknown(
                reason:
                    "the syncer noted \(store) in Secret \(configuration.secret), and the values there say \(values)")
        }
        switch store {
        case "embedded-database": return .sqlite(path: database)
        case "embedded-etcd": return .embeddedEtcd(path: "\(directory)/etcd")
        case "deployed-etcd": return .external(.deployedEtcd)
        case "external-etcd": return .external(.etcd)
        case "external-database": return .external(configuration.externalDatabase)
        default: return .unknown(reason: "Secret \(configuration.secret) names a store that daytwo does not know")
        }
    }

    /// The places of the token, the one that counts first.
    func tokens() -> [TokenLocation] {
        guard layout.distribution == .k3s else { return [] }
        var places: [TokenLocation] = []
        if let setting = settings.setting(["--token", "-t"], "K3S_TOKEN", "token") {
            places.append(location(of: setting))
        } else if let file = settings.setting(["--token-file"], "K3S_TOKEN_FILE", "token-file")?.given.text {
            places.append(.file(path: FilePath.normalized(file)))
        }
        switch layout.generation {
        // The syncer adds it behind all other arguments.
        case .c: places.insert(secret("vc-k3s-\(cluster)"), at: 0)
        case .d where places.isEmpty:
            let isConfigured = !(configuration.k3s?["token"]?.stringValue ?? "").isEmpty
            places.append(isConfigured ? .configuration(secret: configuration.secret) : secret("vc-k3s-\(cluster)"))
        case .k3k: places.append(secret("k3k-\(cluster)-token"))
        default: break
        }
        // Whatever told it, k3s writes it down there.
        let written = TokenLocation.file(path: "\(directory)/server/token")
        return places.contains(written) ? places : places + [written]
    }

    private func location(of setting: ServerSettings.Setting) -> TokenLocation {
        switch setting.place {
        case .environment(let variable):
            .environment(variable: variable, secret: setting.given.secret, key: setting.given.key)
        case .file: setting.given.secret.map { .configuration(secret: $0) } ?? .argument
        case .argument:
            if let name = setting.given.secret, let key = setting.given.key {
                .secret(name: name, key: key, isThere: isThere(name))
            } else {
                .argument
            }
        }
    }

    private func secret(_ name: String) -> TokenLocation { .secret(name: name, key: "token", isThere: isThere(name)) }

    private func isThere(_ name: String) -> Bool? {
        settings.surroundings.objects.isThere(name, .secrets, in: settings.surroundings.namespace)
    }
}
