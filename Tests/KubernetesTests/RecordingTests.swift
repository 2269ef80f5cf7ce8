import Failures
import JSONValues
import Kubernetes
import Testing
import Transfer

/// Every recorded exchange with a real host, made once more by the client against its bytes.
@Suite struct RecordingTests {
    typealias Use = @Sendable (Recording, KubernetesClient) throws -> Void

    static let uses: [String: Use] = reads.merging(writes) { $1 }.merging(refusals) { $1 }.merging(streams) { $1 }

    private static let reads: [String: Use] = [
        "api-groups": { recording, client in
            let groups = try client.apiGroups()
            #expect(groups.count == recording.answer["groups"]?.arrayValue?.count)
            #expect(groups["apps"] == ["v1"])
        },
        "apps-resources": resources("apps", has: .statefulSets, ["scale", "status"]),
        "batch-resources": resources("batch", has: .jobs, ["status"]),
        "core-resources": resources(
            "", has: .pods,
            ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"]),
        "networking-resources": resources("networking.k8s.io", has: .ingresses, ["status"]),
        "version": { _, client in
            let version = try client.serverVersion()
            #expect(version == "v1.21.2+k3s1")
        },
        "readyz": { recording, client in
            let text = String(decoding: try client.raw("/readyz?verbose").body, as: UTF8.self)
            #expect(text == recording.answer.stringValue)
        },
        "job-pod-log": { _, client in
            let log = try client.log(of: "j1-zmjrh", in: "scratch")
            #expect(log == Array("out\nerr\n".utf8))
        },
        "scale-subresource-get": { _, client in
            let scale = try client.scale(of: .statefulSets, "blue", in: "team-a")
            #expect((scale.desired, scale.present) == (0, 1))
            #expect(scale.selector == "app=vcluster,release=blue")
            #expect(scale.resourceVersion == "546")
        },
        "statefulset-get": get(.statefulSets, "blue", "team-a"),
        "job-failed": get(.jobs, "j1", "scratch"),
        "upgrade-done-pod": get(.pods, "green-0", "team-b"),
        "upgrade-image-missing-pod": get(.pods, "green-0", "team-b"),
        "upgrade-reverted-stuck-pod": get(.pods, "green-0", "team-b"),
        "upgrade-image-missing-statefulset": get(.statefulSets, "green", "team-b"),
        "upgrade-reverted-stuck-statefulset": get(.statefulSets, "green", "team-b"),
        "list-paged": list(.configMaps, nil, pageSize: 2),
        "events-list": list(.events, "team-a", pageSize: 5),
        "upgrade-image-missing-events": list(.events, "team-b", pageSize: 50),
        "upgrade-done-controllerrevisions": list(.controllerRevisions, "team-b"),
        "job-pods": list(.pods, "scratch", ObjectSelector(labels: "job-name=j1")),
        "statefulset-list-selector": list(.statefulSets, nil, ObjectSelector(labels: "app=vcluster")),
        "namespaces-list": list(.namespaces, nil), "nodes-list": list(.nodes, nil),
        "pods-list": list(.pods, "team-a"), "pv-list": list(.persistentVolumes, nil),
        "pvc-list": list(.persistentVolumeClaims, "team-a"),
        "virtual-cluster-configmaps": list(.configMaps, "vc-gold"),
        "virtual-cluster-controllerrevisions": list(.controllerRevisions, "vc-gold"),
        "virtual-cluster-endpoints": list(.endpoints, "vc-gold"),
        "virtual-cluster-events": list(.events, "vc-gold"),
        "virtual-cluster-ingresses": list(.ingresses, "vc-gold"),
        "virtual-cluster-persistentvolumeclaims": list(.persistentVolumeClaims, "vc-gold"),
        "virtual-cluster-pods": list(.pods, "vc-gold"),
        "virtual-cluster-rolebindings": list(.roleBindings, "vc-gold"),
        "virtual-cluster-roles": list(.roles, "vc-gold"), "virtual-cluster-secrets": list(.secrets, "vc-gold"),
        "virtual-cluster-serviceaccounts": list(.serviceAccounts, "vc-gold"),
        "virtual-cluster-services": list(.services, "vc-gold"),
        "virtual-cluster-statefulsets": list(.statefulSets, "vc-gold"),
    ]

    private static let writes: [String: Use] = [
        "create-namespace": create(.namespaces, nil), "create-configmap": create(.configMaps, "scratch"),
        "create-secret": create(.secrets, "scratch"), "job-create": create(.jobs, "scratch"),
        "lease-create": create(.leases, "scratch"),
        "apply-configmap": { recording, client in
            let object = try client.apply(
                .configMaps, KubernetesObject(recording.sent), in: "scratch", fieldManager: "daytwo", force: true)
            #expect(object.json == recording.answer)
        },
        "scale-to-zero": patch(.merge), "scale-to-one": patch(.merge),
        "statefulset-set-image-server-side-dry-run": patch(.strategic, dryRun: true),
        "delete-namespace": { recording, client in
            let answer = try client.delete(.namespaces, "scratch")
            #expect(answer.json == recording.answer)
            #expect(answer.isBeingDeleted)
        },
    ]

    private static let refusals: [String: Use] = [
        "unauthorized": { _, client in
            let error = failure { _ = try client.raw("/api") }
            #expect(error.code == .denied)
            #expect(error.apiStatus?.reason == .unauthorized)
        },
        "not-found": { _, client in
            let error = failure { _ = try client.get(.statefulSets, "none", in: "team-a") }
            #expect(error.code == .notFound)
            #expect(error.description.contains("statefulsets.apps \"none\" not found"))
            let found = try client.find(.statefulSets, "none", in: "team-a")
            #expect(found == nil)
        },
        "namespace-after-delete": { _, client in
            let found = try client.find(.namespaces, "scratch")
            #expect(found == nil)
        },
        "create-conflict": { recording, client in
            let error = failure { _ = try client.create(.namespaces, KubernetesObject(recording.sent)) }
            #expect(error.code == .refused)
            #expect(error.apiStatus?.reason == .alreadyExists)
            #expect(error.apiStatus?.name == "scratch")
        },
        "update-stale-conflict": { recording, client in
            let error = failure { _ = try client.replace(.configMaps, KubernetesObject(recording.sent), in: "scratch") }
            #expect(error.code == .refused)
            #expect(error.apiStatus?.reason == .conflict)
        },
        "create-invalid": { recording, client in
            let error = failure {
                _ = try client.create(.persistentVolumeClaims, KubernetesObject(recording.sent), in: "scratch")
            }
            #expect(error.code == .refused)
            #expect(
                error.apiStatus?.causes.map(\.field) == [
                    "metadata.name", "spec.accessModes", "spec.resources[storage]",
                ])
            #expect(error.apiStatus?.causes.last?.message == "Required value")
        },
    ]

    private static let streams: [String: Use] = [
        "watch-pods-while-scaling": watch(.pods), "watch-statefulset-while-scaling": watch(.statefulSets),
        "watch-too-old": { _, client in
            let end = try client.watch(.configMaps, from: "1", within: .seconds(2)) { _ in true }
            #expect(end == .expired)
        },
        "exec-ok": exec(["/bin/sh", "-c", "echo out; echo err >&2"], "out\n", errors: "err\n"),
        "exec-exit-3": exec(["/bin/sh", "-c", "exit 3"], "", status: 3),
        "exec-stdin": exec(["/bin/sh", "-c", "head -c 5 | wc -c"], "5\n", input: "hello"),
        "exec-v5-offered": exec(["/bin/echo", "x"], "x\n"),
    ]

    private static func resources(
        _ group: String, has type: ResourceType, _ subresources: Set<String>
    ) -> Use {
        { recording, client in
            let resources = try client.resources(group: group, version: "v1")
            let found = try #require(resources.first { $0.type == type })
            #expect(found.verbs.contains("watch"))
            #expect(Set(found.subresources) == subresources)
            #expect(
                resources.reduce(0) { $0 + 1 + $1.subresources.count }
                    == recording.answer["resources"]?.arrayValue?.count)
        }
    }

    private static func get(_ type: ResourceType, _ name: String, _ namespace: String) -> Use {
        { recording, client in
            let object = try client.get(type, name, in: namespace)
            #expect(object.json == recording.answer)
        }
    }

    private static func list(
        _ type: ResourceType, _ namespace: String?, _ selector: ObjectSelector = .all, pageSize: Int = 500
    ) -> Use {
        { recording, client in
            let list = try client.list(type, in: namespace, selector, pageSize: pageSize)
            #expect(JSONValue.array(list.objects.map(\.json)) == recording.answer["items"])
            #expect(!list.objects.isEmpty)
            #expect(list.resourceVersion == recording.answer["metadata", "resourceVersion"]?.stringValue)
        }
    }

    private static func create(_ type: ResourceType, _ namespace: String?) -> Use {
        { recording, client in
            let object = try client.create(type, KubernetesObject(recording.sent), in: namespace)
            #expect(object.json == recording.answer)
        }
    }

    private static func patch(_ kind: PatchKind, dryRun: Bool = false) -> Use {
        { recording, client in
            let object = try client.patch(
                .statefulSets, "blue", in: "team-a", kind, recording.sent, dryRun: dryRun)
            #expect(object.json == recording.answer)
        }
    }

    private static func watch(_ type: ResourceType) -> Use {
        { recording, client in
            let told = (recording.answer.arrayValue ?? []).filter { $0["type"]?.stringValue != "BOOKMARK" }
            var events: [WatchEvent] = []
            let end = try client.watch(type, in: "team-a", from: "", within: .seconds(60)) { event in
                events.append(event)
                return events.count < told.count
            }
            let expected = told.map { event in
                let object = KubernetesObject(event["object"] ?? .null)
                return switch event["type"]?.stringValue {
                case "ADDED": WatchEvent.added(object)
                case "DELETED": WatchEvent.deleted(object)
                default: WatchEvent.modified(object)
                }
            }
            #expect(events == expected)
            guard case .stopped(let version) = end else {
                Issue.record("ended as \(end)")
                return
            }
            #expect(version == told.last?["object", "metadata", "resourceVersion"]?.stringValue)
        }
    }

    private static func exec(
        _ command: [String], _ output: String, errors: String = "", status: Int = 0, input: String = ""
    ) -> Use {
        { _, client in
            let result = try client.execute(
                ExecRequest(command, in: "blue-0", namespace: "team-a", container: "vcluster"),
                input: Array(input.utf8), deadline: .seconds(120))
            #expect(result == ExecResult(status: status, output: Array(output.utf8), errors: Array(errors.utf8)))
        }
    }

    @Test func `every recording is used, and every use has its recording`() {
        #expect(!Recording.names.isEmpty)
        #expect(Set(Recording.names) == Set(Self.uses.keys))
    }

    @Test func `the client makes every recorded exchange`() throws {
        let server = try KubeServer()
        for name in Recording.names { try use(name, server, name) }
        #expect(try server.notes() == [])
    }

    @Test func `the same in pieces of one byte`() throws {
        let server = try KubeServer()
        let names = Recording.names.filter {
            $0.hasPrefix("exec-") || $0.hasPrefix("watch-too") || $0.hasPrefix("create-")
        }
        for name in names { try use(name, server, name + ",dribble") }
        #expect(try server.notes() == [])
    }

    private func use(_ name: String, _ server: KubeServer, _ path: String) throws {
        let use = try #require(Self.uses[name], "the recording \(name) is not used")
        do {
            try use(try Recording(name), try server.client(path))
        } catch {
            Issue.record("\(name): \(error)")
        }
    }
}
