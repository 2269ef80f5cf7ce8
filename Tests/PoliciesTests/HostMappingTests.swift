import Failures
import Foundation
import Policies
import Testing

@Suite("What is called otherwise on another host")
struct HostMappingTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func read(_ spec: String, head: String = "apiVersion: daytwo/v1\nkind: HostMapping\n") throws -> HostMapping
    {
        let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        try scratch.write(head + "spec:\n" + lines.joined(separator: "\n") + "\n", to: "mapping.yaml")
        return try HostMapping(file: scratch["mapping.yaml"])
    }

    private func problems(_ spec: String, head: String = "apiVersion: daytwo/v1\nkind: HostMapping\n") -> [String] {
        let failure = failure { _ = try read(spec, head: head) }
        #expect(failure.code == .usage)
        return failure.what.split(separator: "\n").dropFirst().map {
            String($0).replacing(scratch.path + "/", with: "")
        }
    }

    @Test func everythingIsTakenAtItsPlace() throws {
        let mapping = try read(
            """
            storageClasses: {fast: local-path}
            images: {docker.io/rancher: registry.example.com:5000/rancher}
            ingress:
              hosts: {"*.old.example": "*.new.example", api.old.example: api.new.example}
              classes: {nginx: traefik}
            loadBalancer:
              annotations: {metallb.universe.tf/address-pool: public}
              dropAnnotations: [service.beta.kubernetes.io/aws-load-balancer-type]
            nodePorts: {31000: 32000, "31001": 32001}
            nodeSelector: {pool: control}
            labels: {team: shop}
            """)
        #expect(mapping.nodePorts == ["31000": "32000", "31001": "32001"])
        #expect(mapping.storageClasses == ["fast": "local-path"])
        #expect(mapping.images == ["docker.io/rancher": "registry.example.com:5000/rancher"])
        #expect(
            mapping.ingressHosts == ["*.old.example": "*.new.example", "api.old.example": "api.new.example"])
        #expect(mapping.ingressClasses == ["nginx": "traefik"])
        #expect(mapping.loadBalancerAnnotations == ["metallb.universe.tf/address-pool": "public"])
        #expect(mapping.droppedAnnotations == ["service.beta.kubernetes.io/aws-load-balancer-type"])
        #expect(mapping.nodeSelector == ["pool": "control"])
        #expect(mapping.labels == ["team": "shop"])
    }

    @Test func portsArePortsAndEachIsAnother() throws {
        #expect(try read("labels: {a: b}").nodePorts == nil)
        for (pair, problem) in [
            ("31000: 70000", "nodePorts.31000 is"), ("31000: x", "instead of a whole number from 1 to 65535"),
            ("0: 32000", "is no port"), ("\"031000\": 32000", "is no port"),
            ("31000: 32000, 31001: 32000", "31000 and 31001 both become 32000"),
        ] {
            #expect(problems("nodePorts: {\(pair)}").contains { $0.contains(problem) }, "\(pair)")
        }
    }

    @Test func aNodeSelectorThatIsEmptyIsNotOneThatIsMissing() throws {
        #expect(try read("labels: {a: b}").nodeSelector == nil)
        #expect(try read("nodeSelector: {}").nodeSelector == [:])
    }

    @Test func mistakesAreToldAllAtOnceWithTheirPlaces() {
        #expect(
            problems(
                """
                storageClass: fast
                images: {docker.io/rancher: 5000}
                ingress: {host: a}
                labels: {release: other}
                """) == [
                    "mapping.yaml:4:3: spec.storageClass is not known. Write storageClasses: {OLD: NEW}.",
                    "mapping.yaml:5:31: spec.images.docker.io/rancher is a number instead of a text. Put it in quotes: \"5000\".",
                    "mapping.yaml:6:13: spec.ingress.host is not known. Did you mean hosts?",
                    "mapping.yaml:7:11: the label release says what a virtual cluster is. Choose another one.",
                ])
        #expect(
            problems("ingress: {hosts: {\"*.old.example\": new.example}}") == [
                "mapping.yaml:4:20: spec.ingress.hosts \"*.old.example\": \"new.example\" is no pair of patterns. "
                    + "Write it like \"*.old.example\": \"*.new.example\"."
            ])
        #expect(
            problems("{}", head: "apiVersion: daytwo/v1\nkind: Mapping\n") == [
                "mapping.yaml:2:7: kind is \"Mapping\" instead of HostMapping"
            ])
    }

    @Test func thereIsOneDocument() throws {
        try scratch.write("# nothing\n", to: "mapping.yaml")
        let failure = failure { _ = try HostMapping(file: scratch["mapping.yaml"]) }
        #expect(failure.what.contains("there are 0 documents instead of one"))
        #expect(failure.next?.hasPrefix("Correct ") == true)
    }
}
