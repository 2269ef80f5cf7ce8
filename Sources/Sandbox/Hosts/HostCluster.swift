internal import Failures
internal import JSONValues

/// One simulated host cluster: its objects, controllers, one node, and the virtual control planes that run on it.
actor HostCluster {
    let options: HostOptions
    let certificates: ClusterCertificates
    let traffic = Traffic()
    var store: ObjectStore
    var watchers: [Int: Watcher] = [:]
    private var lastWatcher = 0
    var serviceAddresses = ServiceAddresses()
    var faults = FaultTable()
    var pods: [String: PodRuntime] = [:]
    var lastPodNumber = 0
    /// What the seeds of virtual clusters are to be, by `NAMESPACE/NAME`, until their first start.
    var seeds: [String: SeedOptions] = [:]
    /// What k3k's controller wants of its StatefulSets, as a `Cluster` would say it.
    var k3kServers: [ObjectName: JSONValue] = [:]
    var jobClocks: [String: Task<Void, Never>] = [:]
    private var dirty: Set<String> = []
    private var wakeUp: AsyncStream<Void>.Continuation?
    private var loop: Task<Void, Never>?

    init(options: HostOptions, certificates: ClusterCertificates) throws(Failure) {
        self.options = options
        self.certificates = certificates
        store = ObjectStore(historyLimit: options.historyLimit)
    }

    /// Makes what a fresh host has, and lets its controllers run.
    func start() throws(APIError) {
        try createInitialObjects()
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        wakeUp = continuation
        loop = Task { [weak self] in
            for await _ in stream {
                guard let self else { return }
                await self.reconcileDirty()
            }
        }
        let bookmarks = options.pace.bookmarks
        Task { [weak self] in
            while let self, await !self.isStopped {
                do { try await Task.sleep(for: bookmarks) } catch { return }
                await self.sendBookmarks()
            }
        }
        continuation.yield()
    }

    private(set) var isStopped = false

    /// Ends all processes and closes all datastores.
    func stop() async {
        isStopped = true
        wakeUp?.finish()
        loop?.cancel()
        for watcher in watchers.values { watcher.continuation.finish() }
        watchers = [:]
        for task in jobClocks.values { task.cancel() }
        let running = Array(pods.values)
        await withTaskGroup(of: Void.self) { group in
            for pod in running { group.addTask { await pod.stopAll(grace: .seconds(2)) } }
        }
        pods = [:]
    }

    // MARK: Changes

    /// Takes note of a change: watches hear of it, controllers look at it.
    func publish(_ change: ObjectChange) {
        for watcher in watchers.values { watcher.send(change) }
        switch change.resource {
        case Resource.events.key: break
        case Resource.namespaces.key: touch(change.name.name)
        case Resource.persistentVolumes.key:
            if let namespace = change.object.text("spec", "claimRef", "namespace") { touch(namespace) }
            for claim in store.list(.persistentVolumeClaims) where claim.text("status", "phase") == "Pending" {
                touch(ObjectName(of: claim).namespace)
            }
        case Resource.nodes.key, Resource.storageClasses.key:
            for namespace in store.list(.namespaces) { touch(ObjectName(of: namespace).name) }
        default: touch(change.name.namespace)
        }
    }

    /// Lets the controllers look at a namespace.
    func touch(_ namespace: String) {
        guard !namespace.isEmpty, !isStopped else { return }
        dirty.insert(namespace)
        wakeUp?.yield()
    }

    /// Lets the controllers look at a namespace later.
    func touch(_ namespace: String, after delay: Duration) {
        Task { [weak self] in
            do { try await Task.sleep(for: delay) } catch { return }
            await self?.touch(namespace)
        }
    }

    private func reconcileDirty() {
        let namespaces = dirty.sorted()
        dirty = []
        for namespace in namespaces where !isStopped { reconcile(namespace) }
    }

    func newWatcherNumber() -> Int {
        lastWatcher += 1
        return lastWatcher
    }
}
