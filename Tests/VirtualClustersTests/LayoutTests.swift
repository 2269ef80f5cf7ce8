import Failures
import JSONValues
import Kubernetes
import Testing
import VirtualClusters

@Suite("Layouts of every generation")
struct LayoutTests {
    @Test("What is expected stands beside each document", arguments: LayoutDocument.names)
    func layout(name: String) throws {
        let found = Discovery(of: try LayoutDocument.objects(name)).summary
        let expected = try LayoutDocument.expected(name)
        #expect(found.yaml() == expected.yaml())
    }

    @Test("There are documents") func documentsAreThere() {
        #expect(LayoutDocument.names.count >= 14)
    }

    @Test("The order of objects changes nothing", arguments: LayoutDocument.names)
    func orderChangesNothing(name: String) throws {
        let first = try LayoutDocument.objects(name)
        var random = SeededRandom(seed: 1)
        for _ in 0..<10 {
            let other = try LayoutDocument.objects(name) { $0.shuffled(using: &random) }
            #expect(Discovery(of: other) == Discovery(of: first))
            for (left, right) in zip(Discovery(of: first).clusters, Discovery(of: other).clusters) {
                #expect(HostManifests(of: left, in: first) == HostManifests(of: right, in: other))
            }
        }
    }

    @Test("Nothing of a secret is in what was found", arguments: LayoutDocument.names)
    func noSecretShows(name: String) throws {
        var shown = ""
        dump(Discovery(of: try LayoutDocument.objects(name)), to: &shown)
        #expect(!shown.contains("s3cr3t"))
    }

    @Test("What cannot be listed is unknown, not missing")
    func narrowRights() throws {
        let objects = try LayoutDocument.objects(
            "d-0.26", without: [.secrets, .pods, .persistentVolumeClaims, .configMaps, .services])
        let cluster = try #require(Discovery(of: objects).clusters.first)
        #expect(cluster.problems == [])
        #expect(cluster.kubeconfig.isThere == nil)
        #expect(cluster.volume.claims.map(\.isThere) == [nil])
        #expect(cluster.datastore == .unknown(reason: "Secret vc-config-lime could not be read"))
        #expect(cluster.server.agreement == .unknown)
        #expect(cluster.managers.contains(.helm(release: "lime")))
    }

    @Test("What may be in an environment that cannot be read is not guessed")
    func unreadableEnvironment() throws {
        let objects = try LayoutDocument.objects("stores", without: [.secrets])
        let cluster = try Discovery(of: objects).cluster(named: "from-all")
        #expect(cluster.datastore == .unknown(reason: "its environment is in Secret store, which could not be read"))
        // An argument counts more than any file or environment.
        let bronze = try Discovery(of: try LayoutDocument.objects("b-ha", without: [.secrets])).cluster(named: "bronze")
        #expect(bronze.datastore == .external(.mysql))
    }

    /// A namespace for all of them is the worst case: everything of each has to be found among everything of the others.
    @Test("Five hundred clusters in one namespace are told apart")
    func manyClusters() throws {
        let one = try LayoutDocument.objects("a-0.5")
        var many = HostObjects(host: "starship")
        for type in LayoutDocument.types {
            let copies = try one.objects(of: type).flatMap { object in
                try (0..<500).map { number in
                    let text = object.json.compact.replacing("amber", with: "amber\(number)")
                        .replacing("\"set-1\"", with: "\"set-1-\(number)\"")
                    return KubernetesObject(try JSONValue(parsing: Array(text.utf8)))
                }
            }
            many.add(copies, of: type)
        }
        let found = Discovery(of: many)
        #expect(found.clusters.count == 500)
        #expect(
            found.clusters.allSatisfy {
                $0.pods.map(\.name) == ["\($0.name)-0"] && $0.exposures.count == 2 && $0.problems == []
            })
    }

    @Test("Rights may be narrow in one namespace alone")
    func oneNamespace() throws {
        var objects = try LayoutDocument.objects("a-0.5")
        objects.markUnlisted(.secrets, in: "team-z", because: "the rights do not allow it")
        #expect(try Discovery(of: objects).cluster(named: "amber").kubeconfig.isThere == true)
        #expect(objects.whyUnlisted(.secrets, in: "team-a") == nil)
        #expect(objects.whyUnlisted(.secrets, in: "team-z") == "the rights do not allow it")
        #expect(HostObjects(host: "a").whyUnlisted(.pods, in: "b") == "it was not asked for")
    }
}

/// Numbers that are the same on each run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
