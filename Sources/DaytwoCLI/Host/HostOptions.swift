import ArgumentParser
import Failures
import Files
import Kubernetes
import Operations
import Policies

/// Which host cluster is meant, and how it is reached.
struct HostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A host that the configuration names, or a context of the kubeconfig.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("The kubeconfig (else $KUBECONFIG, else ~/.kube/config).", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context of the kubeconfig (else its current one).", valueName: "name"))
    var context: String?

    @Option(name: .shortAndLong, help: "The namespace on the host.")
    var namespace: String?

    /// Whether any of them says that a host is meant.
    var isGiven: Bool { host != nil || kubeconfig != nil || context != nil || namespace != nil }
}

/// A host that was chosen, and what the configuration says of it.
struct ChosenHost {
    let cluster: HostCluster
    let configured: ConfiguredHost?
}

extension HostOptions {
    /// The hosts that a command is about: the named one; without a name all that are configured; without any the one of
    /// the kubeconfig.
    func hosts(_ session: Session, _ context: OperationContext) throws(Failure) -> [ChosenHost] {
        let configured = try session.settings.optionalConfiguration(session.console)?.hosts ?? []
        guard host == nil, kubeconfig == nil, self.context == nil, !configured.isEmpty else {
            return [try one(session, context)]
        }
        return try configured.map { one throws(Failure) in
            try Self.chosen(one, context)
        }
    }

    /// The same, each with what became of it: one that cannot be reached hides no other.
    func attempts(
        _ session: Session, _ context: OperationContext
    ) throws(Failure) -> [(name: String, host: Result<ChosenHost, Failure>)] {
        let configured = try session.settings.optionalConfiguration(session.console)?.hosts ?? []
        guard host == nil, kubeconfig == nil, self.context == nil, configured.count > 1 else {
            let one = try one(session, context)
            return [(one.cluster.name, .success(one))]
        }
        return configured.map { host in
            do throws(Failure) {
                return (host.name, .success(try Self.chosen(host, context)))
            } catch {
                return (host.name, .failure(error))
            }
        }
    }

    /// A host as the configuration has it.
    static func chosen(_ host: ConfiguredHost, _ context: OperationContext) throws(Failure) -> ChosenHost {
        try chosen(host.name, kubeconfig: host.kubeconfig, context: host.context, host, context)
    }

    /// The one host that a command is about.
    func one(_ session: Session, _ context: OperationContext) throws(Failure) -> ChosenHost {
        let configured = try session.settings.optionalConfiguration(session.console)?.hosts ?? []
        if let host {
            if let named = configured.first(where: { $0.name == host }) {
                return try Self.chosen(
                    host, kubeconfig: kubeconfig ?? named.kubeconfig, context: self.context ?? named.context, named,
                    context)
            }
            // Without a configuration that knows it, it is a context, as kubectl has them.
            do throws(Failure) {
                return try Self.chosen(host, kubeconfig: kubeconfig, context: self.context ?? host, nil, context)
            } catch {
                guard error.code == .notFound, !configured.isEmpty else { throw error }
                let names = configured.map(\.name)
                throw Failure(
                    .notFound, "there is no host \(host)",
                    why: "configured are \(names.joined(separator: ", ")); \(error.what)",
                    next: Suggestion.nearest(to: host, among: names).map { "Did you mean \($0)?" } ?? error.next)
            }
        }
        if kubeconfig == nil, self.context == nil, !configured.isEmpty {
            guard configured.count == 1 else {
                throw Failure(
                    .usage, "several hosts are configured", why: configured.map(\.name).joined(separator: ", "),
                    next: "name one with --host")
            }
            return try Self.chosen(configured[0], context)
        }
        return try Self.chosen(nil, kubeconfig: kubeconfig, context: self.context, nil, context)
    }

    private static func chosen(
        _ name: String?, kubeconfig: String?, context: String?, _ configured: ConfiguredHost?,
        _ operation: OperationContext
    ) throws(Failure) -> ChosenHost {
        let connection = try connection(kubeconfig: kubeconfig, context: context)
        var client = try KubernetesClient(connection, surroundings: surroundings(operation))
        if let seconds = configured?.requestTimeout {
            client.attemptLimit = .seconds(seconds)
            client.callLimit = client.attemptLimit * 4
        }
        return ChosenHost(
            cluster: HostCluster(
                name: Kubeconfig.plainName(ofContext: name ?? context ?? connection.name), client: client),
            configured: configured)
    }

    private static func connection(kubeconfig: String?, context: String?) throws(Failure) -> ClusterConnection {
        let (proxy, without) = Environment.proxy
        let environment = Kubeconfig.Environment(
            variables: Environment.all, proxy: proxy, withoutProxy: without)
        if let kubeconfig {
            return try Kubeconfig(file: kubeconfig).connection(context: context, in: environment)
        }
        if let list = Environment.kubeconfig.value {
            return try Kubeconfig(list: list).connection(context: context, in: environment)
        }
        if let home = Environment.home.value {
            let standard = "\(home)/.kube/config"
            if try FileStatus.ifPresent(standard, following: true) != nil {
                return try Kubeconfig(file: standard).connection(context: context, in: environment)
            }
        }
        if context == nil, let host = Environment.serviceHost.value {
            return try .inCluster(host: host, port: Environment.servicePort.value ?? "443")
        }
        throw Failure(
            .notFound, "no host cluster is named", why: "there is no kubeconfig, and this is no pod",
            next: "name one with --kubeconfig, or under hosts in daytwo.yaml")
    }

    private static func surroundings(_ context: OperationContext) -> Surroundings {
        Surroundings(
            now: context.now, uptime: context.uptime,
            sleep: { duration throws(Failure) in
                let end = context.uptime() + duration
                while context.uptime() < end {
                    try context.checkStop()
                    Pause.sleep(min(end - context.uptime(), .milliseconds(100)))
                }
            },
            random: { Double.random(in: 0..<1) }, checkStop: context.checkStop)
    }
}
