import Testing

@testable import VirtualClusters

@Suite("Feature gates among the words that k3s is started with")
struct FeatureGateTests {
    @Test(
        "They are told by name, however they are written",
        arguments: [
            (["--kube-apiserver-arg=feature-gates=A=true,B=false"], ["A", "B"]),
            (["--kubelet-arg", "feature-gates=A=true"], ["A"]), (["--feature-gates", "A=true"], ["A"]),
            (["--kube-apiserver-arg='feature-gates=A=true'", "--disable=traefik"], ["A"]),
            (["--disable=traefik"], []),
        ] as [([String], [String])])
    func names(words: [String], gates: [String]) {
        #expect(ServerArguments(words: words).featureGates == gates)
    }
}
