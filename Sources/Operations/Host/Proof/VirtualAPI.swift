import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// The API of a virtual cluster, asked by an agent on its host at the address of its pod.
struct VirtualAPI: Sendable {
    /// The name that certificates of k3s and of the syncer have, whatever the cluster is called.
    static let serverName = "kubernetes"
    private static let usualPort: Int64 = 8443

    /// How the API knows us.
    enum Identity: Sendable {
        /// By the Secret that the syncer writes; the agent has no volume.
        case secret
        /// By the files of k3s; the agent has the volume beside the control plane.
        case volume
    }

    let host: HostCluster
    let cluster: VirtualCluster
    let settings: AgentSettings
    let context: OperationContext
    /// The addresses of its pods as they are now.
    let addresses: @Sendable () throws(Failure) -> [String]

    /// One agent, for several rounds of questions.
    final class Conversation {
        private let api: VirtualAPI
        private let identity: Identity
        private let run: AgentRun
        private let podName: String
        private let port: Int64

        fileprivate init(_ api: VirtualAPI, _ identity: Identity, _ run: AgentRun, _ podName: String, _ port: Int64) {
            self.api = api
            self.identity = identity
            self.run = run
            self.podName = podName
            self.port = port
        }

        /// What the image on trial has said.
        func trialLog() throws(Failure) -> [UInt8] {
            try api.host.client.log(
                of: podName, in: api.cluster.namespace, container: AgentPod.trialContainer, limit: 1 << 18)
        }

        /// Asks each of the paths once, and counts lists. Throws `unreachable` where no pod has an address yet, or the Secret is
        /// not there.
        func get(
            _ paths: [String], counting counted: [String] = [], longestAnswer: Int = 1 << 20
        ) throws(Failure) -> VirtualAnswers {
            guard let address = try api.addresses().first else {
                throw Failure(.unreachable, "no pod of \(api.cluster.path) has an address")
            }
            let questions = VirtualQuestions(
                address: VirtualQuestions.address(address, port),
                serverName: VirtualAPI.serverName, identity: identity == .secret ? try api.secret() : nil,
                paths: paths, counted: counted, longestAnswer: longestAnswer)
            let channel = try run.channel(to: AgentOperation.ask.rawValue, in: podName)
            defer { channel.close() }
            return try RemoteQuestions(over: channel, api.context).ask(questions)
        }
    }

    /// Starts an agent, and gives `body` the way to ask. The agent is removed, however that ends. An image that is tried has
    /// to start first, on the node of the control plane.
    func use<Value>(
        _ identity: Identity, trying trial: ImageTrial? = nil, _ body: (Conversation) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var pod = AgentPod(
            cluster: cluster, claim: identity == .volume ? cluster.volume.claims.first?.name : nil, settings: settings,
            run: context.newID())
        pod.isBesideControlPlane = identity == .volume || trial != nil
        pod.trial = trial
        let run = AgentRun(host: host, pod: pod, context: context)
        let port = try port()
        return try run.use { name throws(Failure) in try body(Conversation(self, identity, run, name, port)) }
    }

    /// Whether its Secret can be read and has what is needed.
    func hasSecret() throws(Failure) -> Bool {
        do throws(Failure) {
            _ = try secret()
            return true
        } catch {
            guard [.denied, .unreachable, .notFound].contains(error.code), error.apiStatus?.status != 401 else {
                throw error
            }
            return false
        }
    }

    private func secret() throws(Failure) -> VirtualQuestions.Identity {
        let name = cluster.kubeconfig.name
        guard let secret = try host.client.find(.secrets, name, in: cluster.namespace) else {
            throw Failure(.unreachable, "there is no Secret \(name) with the virtual cluster's kubeconfig")
        }
        func text(_ key: String) -> String? {
            secret["data", key]?.stringValue.flatMap { Data(base64Encoded: $0) }.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        guard let authorities = text("certificate-authority"), let certificate = text("client-certificate"),
            let key = text("client-key")
        else {
            throw Failure(.unreachable, "the Secret \(name) has no certificate and key")
        }
        return .init(authorities: authorities, certificate: certificate, key: key)
    }

    /// The port of its pods that its Service leads to: the syncer's, or that of k3s itself.
    private func port() throws(Failure) -> Int64 {
        guard let service = try host.client.find(.services, cluster.service, in: cluster.namespace) else {
            return Self.usualPort
        }
        let ports = service["spec", "ports"]?.arrayValue ?? []
        let https = ports.first { $0["name"]?.stringValue == "https" } ?? ports.first
        if let number = https?["targetPort"]?.integerValue { return number }
        guard let name = https?["targetPort"]?.stringValue else { return Self.usualPort }
        let workload = try host.client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        let containers = workload["spec", "template", "spec", "containers"]?.arrayValue ?? []
        let named = containers.flatMap { $0["ports"]?.arrayValue ?? [] }.first { $0["name"]?.stringValue == name }
        return named?["containerPort"]?.integerValue ?? Self.usualPort
    }
}
