import Foundation
import Testing

@Suite("Objects out of a backup", .timeLimit(.minutes(5)))
struct ExtractTests {
    let fixture: CommandFixture
    let archive: String

    init() throws {
        fixture = try CommandFixture()
        archive = try fixture.archive()
    }

    private func extract(_ more: String...) throws -> ChildProcess.Result {
        try fixture.daytwo(["backup", "extract", archive] + more)
    }

    /// The first live object of a resource in a namespace, as `backup ls` tells it.
    private func key(_ kind: String, in namespace: String) throws -> String {
        let list = try fixture.daytwo([
            "backup", "ls", archive, "--objects", "-n", namespace, "--kind", kind, "-o", "name",
        ])
        return String(try #require(list.text.split(separator: "\n").first, "\(list.errors)"))
    }

    @Test("A deployment, which is stored as protobuf, comes out whole and clean")
    func deployment() throws {
        let key = try key("Deployment", in: "team-3")
        let name = try #require(key.split(separator: "/").last)
        let result = try extract("--object", "deployment/team-3/\(name)", "-o", "json")
        #expect(result.code == 0, "\(result.errors)")
        let object = try result.json()
        #expect(object["apiVersion"] as? String == "apps/v1" && object["kind"] as? String == "Deployment")
        #expect(object["status"] == nil)
        let metadata = try #require(object["metadata"] as? [String: Any])
        #expect(Set(metadata.keys).isSubset(of: ["name", "namespace", "labels", "annotations"]))
        let spec = try #require(object["spec"] as? [String: Any])
        #expect(spec["replicas"] as? Int != nil)
        let pod = try #require((spec["template"] as? [String: Any])?["spec"] as? [String: Any])
        let container = try #require((pod["containers"] as? [[String: Any]])?.first)
        #expect(container["name"] is String && container["image"] is String)
        let cat = try fixture.daytwo(["backup", "cat", archive, "--object", "deployment/team-3/\(name)", "--raw"])
        #expect(cat.code == 0 && cat.text != "", "\(cat.errors)")
        let raw = try extract("--object", key, "--raw", "-o", "json").json()
        #expect((raw["metadata"] as? [String: Any])?["uid"] is String && raw["status"] != nil)
        // Two readers of one value: what `cat` knows of it is what is in it.
        let known = try fixture.daytwo(["backup", "cat", archive, "--object", key, "-o", "json"]).json()
        #expect(
            try NSDictionary(dictionary: #require(known["metadata"] as? [String: Any]))
                == NSDictionary(dictionary: #require(raw["metadata"] as? [String: Any])))
    }

    @Test("Texts and bytes are those that are stored")
    func bytes() throws {
        let key = try key("Secret", in: "team-3")
        let object = try extract("--object", key, "-o", "json").json()
        let data = try #require(object["data"] as? [String: String])
        let stored = try fixture.daytwo(["backup", "cat", archive, "--object", key, "--raw"]).output
        for (name, text) in data {
            let bytes = try #require(Data(base64Encoded: text))
            #expect(Data(stored).range(of: Data(name.utf8)) != nil && Data(stored).range(of: bytes) != nil)
        }
        #expect(!data.isEmpty && object["type"] is String)
    }

    @Test("A namespace comes with what people made in it, secrets only when told")
    func namespace() throws {
        let result = try extract("--namespace", "team-3", "-o", "json")
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.errors.contains("--include-secrets") && result.errors.contains("--raw keeps them"))
        let items = try #require(try result.json()["items"] as? [[String: Any]])
        let kinds = items.compactMap { $0["kind"] as? String }
        #expect(kinds.first == "Namespace" && kinds.contains("Deployment") && kinds.contains("Ledger"))
        for kind in ["Secret", "Pod", "ReplicaSet", "Event"] { #expect(!kinds.contains(kind), "\(kind)") }
        let told = try extract("-n", "team-3", "--include-secrets", "-o", "json").json()
        #expect((told["items"] as? [[String: Any]])?.contains { $0["kind"] as? String == "Secret" } == true)
        let yaml = try extract("-n", "team-3")
        #expect(yaml.text.components(separatedBy: "---\n").count == items.count + 1)
        #expect(!yaml.text.contains("uid:") && !yaml.text.contains("resourceVersion:"))
    }

    @Test("What cannot be written whole is refused, with another way; what does not go together is said")
    func refused() throws {
        let encrypted = try fixture.archive(of: Fixtures.encrypted, as: "sealed")
        let list = try fixture.daytwo([
            "backup", "ls", encrypted, "--objects", "/registry/secrets/kube-system/", "-o", "name",
        ])
        let key = try #require(list.text.split(separator: "\n").first)
        let sealed = try fixture.daytwo(["backup", "extract", encrypted, "--object", String(key)])
        #expect(sealed.code == 4 && sealed.text.isEmpty)
        #expect(sealed.errors.contains("encrypted at rest") && sealed.errors.contains("--raw"), "\(sealed.errors)")
        #expect(try extract("--object", "configmap/none/none").code == 11)
        #expect(try extract("-n", "none").code == 11)
        #expect(try extract().code == 64)
        #expect(try extract("--to", "/tmp", "-n", "team-3").code == 64)
        #expect(try extract("--object", "configmap/a/b", "server").code == 64)
    }
}
