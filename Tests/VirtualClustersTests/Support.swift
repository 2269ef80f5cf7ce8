import Failures
import Foundation
import JSONValues
import Kubernetes
import Testing

@testable import VirtualClusters

/// Recorded answers of a real host.
enum Recording {
    static func body(_ name: String) throws -> JSONValue {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/kubernetes-api/\(name).json")
        let recording = try JSONValue(parsing: Array(Data(contentsOf: file)))
        return try #require(recording["response", "body"])
    }

    /// The items of a list, or the one object.
    static func objects(_ name: String) throws -> [KubernetesObject] {
        let body = try body(name)
        return (body["items"]?.arrayValue ?? [body]).map { KubernetesObject($0) }
    }

    /// Everything in the namespace of the virtual cluster `gold`.
    static func gold() throws -> HostObjects {
        var objects = HostObjects(host: "starship")
        for type in goldTypes {
            objects.add(try self.objects("virtual-cluster-\(type.plural)"), of: type)
        }
        return objects
    }

    static let goldTypes: [ResourceType] = [
        .statefulSets, .pods, .services, .ingresses, .secrets, .configMaps, .persistentVolumeClaims, .serviceAccounts,
        .roles, .roleBindings,
    ]
}

/// Documents of layouts, each beside what is expected of them.
enum LayoutDocument {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Layouts")

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".yaml") && !$0.hasSuffix(".expected.yaml") }
            .map { String($0.dropLast(5)) }.sorted()
    }()

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name + ".yaml"), encoding: .utf8)
    }

    static func expected(_ name: String) throws -> JSONValue { try YAMLText.json(text(name + ".expected")) }

    /// The objects of a file, in its order or another, on a host that lists every kind.
    static func objects(
        _ name: String, without unlisted: Set<ResourceType> = [],
        order: ([KubernetesObject]) -> [KubernetesObject] = { $0 }
    ) throws -> HostObjects {
        let documents = try text(name).components(separatedBy: "\n---\n").map { try YAMLText.json($0) }
        let listed = documents.filter { $0 != .null }.map { KubernetesObject(encoded($0)) }
        var objects = HostObjects(host: "starship")
        for type in types {
            if unlisted.contains(type) {
                objects.markUnlisted(type, because: "the rights do not allow it")
            } else {
                objects.add(order(listed.filter { $0.kind == type.kind }), of: type)
            }
        }
        let known = Set(types.map(\.kind))
        #expect(listed.allSatisfy { known.contains($0.kind) })
        return objects
    }

    /// `stringData` of a Secret, which only a person writes, as the API answers it.
    private static func encoded(_ object: JSONValue) -> JSONValue {
        guard let clear = object["stringData"]?.members else { return object }
        let data = clear.map { member in
            let text = member.value.stringValue ?? ""
            return JSONMember(member.name, .string(Data(text.utf8).base64EncodedString()))
        }
        return object.removing("stringData").setting(["data"], to: .object(data))
    }

    static let types: [ResourceType] =
        HostManifest.kinds + [.pods, .persistentVolumes, .horizontalPodAutoscalers]
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> Failure {
    do {
        try body()
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    Issue.record("did not throw a Failure", sourceLocation: location)
    return Failure(.usage, "nothing was thrown")
}
