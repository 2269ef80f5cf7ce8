import JSONValues
import Kubernetes
import Testing

@testable import VirtualClusters

@Suite("Names that a syncer gives")
struct NameTests {
    private let names = SyncerNames(cluster: "gold", hostNamespace: "vc-gold")

    @Test func shortNamesAreWrittenOut() {
        #expect(names.hostName(of: "nginx", in: "default") == "nginx-x-default-x-gold")
        #expect(names.hostName(ofClusterScoped: "fast") == "vcluster-fast-x-vc-gold-x-gold")
    }

    // 63 bytes are kept, 64 are not; the digests were computed with sha256sum.
    @Test func longNamesAreCutWithADigest() {
        let most = String(repeating: "a", count: 63 - "-x-default-x-gold".count)
        #expect(names.hostName(of: most, in: "default") == most + "-x-default-x-gold")
        #expect(
            names.hostName(of: most + "a", in: "default")
                == "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x-de-2898160176")
        #expect(
            names.hostName(of: String(repeating: "b", count: 51) + ".c", in: "default")
                == "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-6499ca9df9")
    }

    @Test func aTwinIsFoundByAnnotationsBeforeNames() {
        let told = claim("short-1", name: "data", namespace: "shop")
        let named = claim("data-x-shop-x-gold", name: nil, namespace: nil)
        let wanted = SyncerNames.VirtualName(namespace: "shop", name: "data")
        #expect(names.hostTwin(of: wanted, among: [named, told]) == told)
        #expect(names.hostTwin(of: wanted, among: [named]) == named)
        #expect(names.virtualName(of: named) == wanted)
        #expect(names.hostTwin(of: wanted, among: []) == nil)
    }

    @Test func whatIsNotItsOwnHasNoVirtualName() {
        let other = SyncerNames(cluster: "blue", hostNamespace: "vc-gold")
        #expect(other.virtualName(of: claim("data-x-shop-x-gold", name: "data", namespace: "shop")) == nil)
        let elsewhere = SyncerNames(cluster: "gold", hostNamespace: "vc-blue")
        #expect(elsewhere.virtualName(of: claim("data-x-shop-x-gold", name: "data", namespace: "shop")) == nil)
        // The digest of a shortened name tells nothing.
        let long = names.hostName(of: String(repeating: "a", count: 60), in: "shop")
        #expect(names.virtualName(of: claim(long, name: nil, namespace: nil)) == nil)
    }

    private func claim(_ hostName: String, name: String?, namespace: String?) -> KubernetesObject {
        var json = JSONValue.object([])
            .setting(["metadata", "name"], to: .string(hostName))
            .setting(["metadata", "namespace"], to: .string("vc-gold"))
            .setting(["metadata", "labels", SyncerNames.markerLabel], to: .string("gold"))
            .setting(["metadata", "labels", SyncerNames.namespaceLabel], to: .string("shop"))
        if let name, let namespace {
            json = json.setting(["metadata", "annotations", SyncerNames.nameAnnotation], to: .string(name))
                .setting(["metadata", "annotations", SyncerNames.namespaceAnnotation], to: .string(namespace))
        }
        return KubernetesObject(json)
    }
}

@Suite("Images and versions")
struct ImageTests {
    @Test(
        arguments: [
            ("k3s", nil, "k3s", nil, nil), ("rancher/k3s:v1.21.2-k3s1", nil, "rancher/k3s", "v1.21.2-k3s1", nil),
            ("localhost/k3s:1", "localhost", "k3s", "1", nil), ("host:5000/k3s", "host:5000", "k3s", nil, nil),
            ("host:5000/a/k3s:1@sha256:ab", "host:5000", "a/k3s", "1", "sha256:ab"),
            ("[2001:db8::1]:5000/k3s:1", "[2001:db8::1]:5000", "k3s", "1", nil),
            ("ghcr.io/a/b/c@sha512:ff", "ghcr.io", "a/b/c", nil, "sha512:ff"),
        ] as [(String, String?, String, String?, String?)])
    func imagesAreTakenApart(text: String, registry: String?, repository: String, tag: String?, digest: String?) {
        let image = ImageReference(text)
        #expect(image?.registry == registry)
        #expect(image?.repository == repository)
        #expect(image?.tag == tag)
        #expect(image?.digest == digest)
        #expect(image?.description == text)
    }

    @Test(arguments: [
        "", "/", "a//b", ":1", "a:", "a@", "a@sha256", "a@b:c@d:e", "A/b", "a b", "a:b:c", "a/b:é", "host:5000/",
        String(repeating: "a", count: 2000),
    ])
    func whatIsNoImageIsNone(text: String) {
        #expect(ImageReference(text) == nil)
    }

    @Test func aRuntimesNameIsTheSameImage() {
        #expect(ImageReference.areSame("rancher/k3s:v1", "docker.io/rancher/k3s:v1"))
        #expect(ImageReference.areSame("nginx", "docker.io/library/nginx:latest"))
        #expect(!ImageReference.areSame("rancher/k3s:v1", "quay.io/rancher/k3s:v1"))
        #expect(!ImageReference.areSame("rancher/k3s:v1", "rancher/k3s:v2"))
        #expect(!ImageReference.areSame("k3s:v1@sha256:a", "k3s:v1@sha256:b"))
    }

    @Test(
        arguments: [
            ("v1.21.2-k3s1", "v1.21.2+k3s1"), ("v1.24.1-rc1-k3s1", "v1.24.1-rc1+k3s1"),
            ("v1.30.2-k3s2-arm64", "v1.30.2+k3s2"),
            ("v1.32.7-k3s10", "v1.32.7+k3s10"), ("latest", nil), ("v1.32-k3s1", nil), ("1.32.7-k3s1", nil),
            ("v1.32.7", nil),
            ("v1.32.7-k3s", nil), ("v1.32.7-k3s1-custom", nil), ("v1.32.7-my-k3s1", nil), ("v1.32.7+k3s1", nil),
            ("", nil),
            ("-k3s1", nil), ("v..-k3s1", nil),
        ] as [(String, String?)])
    func versionsAreInTags(tag: String, version: String?) {
        #expect(ServerImage.k3sVersion(ofTag: tag) == version)
    }

    @Test("The version is that of what runs, where the template has another one already")
    func runningVersions() throws {
        func version(_ agreement: ServerImage.Agreement) throws -> String? {
            ServerImage(
                container: "k3s", isInitContainer: false, index: 0,
                image: try #require(ImageReference("rancher/k3s:v1.32.1-k3s1")), version: "v1.32.1+k3s1",
                agreement: agreement
            ).runningVersion
        }
        #expect(try version(.same) == "v1.32.1+k3s1" && version(.unknown) == "v1.32.1+k3s1")
        #expect(try version(.differs(["a": "mirror.example/k3s:v1.31.4-k3s1"])) == "v1.31.4+k3s1")
        #expect(try version(.differs(["a": "x/k3s@sha256:00"])) == nil)
        #expect(
            try version(.differs(["a": "x/k3s:v1.31.4-k3s1", "b": "x/k3s:v1.30.4-k3s1"])) == nil, "nobody can tell")
    }
}
