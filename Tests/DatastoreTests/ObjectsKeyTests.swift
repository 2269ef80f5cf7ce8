import Datastore
import Testing

@Suite("Keys of a datastore")
struct ObjectsKeyTests {
    @Test(arguments: ObjectsFixtures.sqlite + ObjectsFixtures.history)
    func `counts by prefix are those of the truth file`(_ fixture: String) throws {
        var counts: [String: Int] = [:]
        let rows = try ObjectsFixtures.liveRows(fixture)
        for row in rows { counts[ObjectKey.prefixGroup(of: row.key), default: 0] += 1 }
        let truth = try ObjectsFixtures.truth(fixture)
        #expect(counts == (try #require(truth["liveKeysByPrefix"] as? [String: Int])))
        #expect(rows.count == (try #require(truth["liveKeys"] as? Int)))
    }

    @Test(arguments: [
        ("/registry/pods/team-0/app", "object||pods|team-0|app"),
        ("/registry/namespaces/default", "object||namespaces|-|default"),
        ("/registry/minions/node-1", "object||nodes|-|node-1"),
        ("/registry/controllers/ns/rc", "object||replicationcontrollers|ns|rc"),
        ("/registry/ingress/ns/edge", "object||ingresses|ns|edge"),
        ("/registry/services/specs/default/kubernetes", "object||services|default|kubernetes"),
        ("/registry/services/endpoints/default/kubernetes", "object||endpoints|default|kubernetes"),
        ("/registry/leases/kube-node-lease/node-1", "object||leases|kube-node-lease|node-1"),
        ("/registry/events/ns/app.18ea5a060ee48fa5", "object||events|ns|app.18ea5a060ee48fa5"),
        ("/registry/clusterroles/system:node", "object||clusterroles|-|system:node"),
        ("/registry/billing.example.com/ledgers/team-0/a", "object|billing.example.com|ledgers|team-0|a"),
        ("/registry/example.com/things/cluster-wide", "object|example.com|things|-|cluster-wide"),
        (
            "/registry/apiextensions.k8s.io/customresourcedefinitions/a.b.c",
            "object|apiextensions.k8s.io|customresourcedefinitions|-|a.b.c"
        ),
        ("/registry/apiregistration.k8s.io/apiservices/v1.", "object|apiregistration.k8s.io|apiservices|-|v1."),
        ("/registry/ranges/serviceips", "allocation||ranges|-|serviceips"),
        ("/registry/masterleases/10.42.0.14", "masterLease||masterleases|-|10.42.0.14"),
        ("/registry/health", "health||health|-|"),
        ("/bootstrap/95910cb49fee", "bootstrap||bootstrap|-|95910cb49fee"),
        ("compact_rev_key", "compaction|||-|compact_rev_key"),
        ("compact_rev_key_apiserver", "compaction|||-|compact_rev_key_apiserver"),
        ("gap-1234", "gap|||-|gap-1234"),
        ("gap-x", "other||gap-x|-|"),
        ("/vcluster/mappings/v1/ConfigMap/a", "mapping||mappings|-|v1/ConfigMap/a"),
        ("k3s/apiaddresses", "other||k3s|-|apiaddresses"),
        ("/registry/pods/team-0/", "other||pods|-|team-0/"),
        ("/registry/pods/a/b/c", "other||pods|-|a/b/c"),
        ("/registry", "other||registry|-|"),
        ("/", "other|||-|"),
        ("", "other|||-|"),
    ])
    func `a key is taken apart`(_ key: String, _ expected: String) {
        let parsed = ObjectKey(key)
        let text = "\(parsed.role)|\(parsed.group)|\(parsed.resource)|\(parsed.namespace ?? "-")|\(parsed.name)"
        #expect(text == expected)
    }

    @Test(arguments: [
        ("/registry/pods/a/b", "registry/pods"), ("/registry/health", "registry/health"),
        ("/registry/example.com/things/a", "registry/example.com/things"),
        ("/registry/masterleases/10.42.0.14", "registry/masterleases"), ("compact_rev_key", "compact_rev_key"),
        ("k3s/apiaddresses", "k3s/apiaddresses"), ("/bootstrap/0123456789ab", "bootstrap/0123456789ab"),
        ("/registry/apiregistration.k8s.io/apiservices/v1.", "registry/apiregistration.k8s.io/apiservices"), ("", ""),
        ("///", ""),
    ])
    func `rows are counted by their folders`(_ key: String, _ expected: String) {
        #expect(ObjectKey.prefixGroup(of: key) == expected)
    }

    @Test(arguments: ObjectsFixtures.sqlite)
    func `the names in keys are those in the values`(_ fixture: String) throws {
        for row in try ObjectsFixtures.liveRows(fixture) {
            let key = ObjectKey(row.key)
            let metadata = ObjectMetadata(decoding: row.value)
            guard key.role == .object, let name = metadata.name else { continue }
            #expect(key.name == name)
            #expect(key.namespace == metadata.namespace)
        }
    }
}
