import Foundation
import Testing

@testable import Policies

@Suite struct UpgradeVersionTests {
    /// From the oldest to the newest.
    private static let ordered = [
        "v1.9.10+k3s1", "v1.24.0-alpha.1+k3s1", "v1.24.0-rc1+k3s1", "v1.24.0-rc2+k3s1", "v1.24.0-rc10+k3s1",
        "v1.24.0+k3s1", "v1.24.0+k3s2", "v1.24.0+k3s10", "v1.24.1-rc1+k3s1", "v1.24.9+k3s1", "v1.24.10+k3s1",
        "v1.30.0+k3s1", "v2.0.0+k3s1",
    ]

    @Test func areOrdered() throws {
        let versions = try Self.ordered.map { try version($0) }
        #expect(versions.map(\.description) == Self.ordered)
        for (left, first) in versions.enumerated() {
            for (right, second) in versions.enumerated() {
                #expect((first < second) == (left < right), "\(first) \(second)")
                #expect((first == second) == (left == right))
            }
        }
    }

    @Test func readImageTagsAsWell() throws {
        #expect(try version("v1.24.1-rc1-k3s1") == version("v1.24.1-rc1+k3s1"))
        #expect(try version("v1.31.4+k3s2").imageTag == "v1.31.4-k3s2")
    }

    @Test(arguments: [
        "", "v1.31.4", "1.31.4+k3s1", "v1.31+k3s1", "v1.31.4+k3s", "v1.31.4+rke2r1", "v1.31.4+k3s1 ", "v1.31.04+k3s1",
        "v1.31.4-+k3s1", "v1.31.4-rc+k3s1", "v1.31.4+k3s-1", "v1.31.\u{0664}+k3s1", "v1.31.4+k3s1+k3s2",
        "v1.31.9999999999+k3s1", "v1..4+k3s1",
    ])
    func refuseOthers(_ text: String) { #expect(K3sVersion(text) == nil) }

    @Test func hostsAreWhoeversTheyAre() {
        for text in ["v1.29.3-eks-adc7111", "v1.29.3+k3s1", "1.29.3", "v1.29.3-gke.100", "v1.29.0-rc.1"] {
            #expect(KubernetesMinor(gitVersion: text) == KubernetesMinor(major: 1, minor: 29), "\(text)")
        }
        for text in ["", "v1.29", "v1.29.", "v1.x.3", "v-1.29.3"] {
            #expect(KubernetesMinor(gitVersion: text) == nil, "\(text)")
        }
        // Across majors no distance is known.
        #expect(KubernetesMinor(major: 2, minor: 0).distance(above: KubernetesMinor(major: 1, minor: 99)) == nil)
    }

    @Test(arguments: [
        ("~1.33", "v1.33.0+k3s1 v1.33.99+k3s9", "v1.32.9+k3s1 v1.34.0+k3s1"),
        ("v1.33", "v1.33.4+k3s1", "v1.34.0+k3s1"), ("v1.33.4+k3s1", "v1.33.4+k3s1", "v1.33.4+k3s2 v1.33.3+k3s1"),
        (">=1.31 <1.34", "v1.31.0+k3s1 v1.33.9+k3s1", "v1.30.9+k3s1 v1.34.0+k3s1 v1.34.0-rc1+k3s1"),
        (">v1.33.4+k3s1", "v1.33.4+k3s2 v1.34.0+k3s1", "v1.33.4+k3s1"),
        ("<=v1.33.4+k3s1", "v1.33.4+k3s1", "v1.33.4+k3s2"), (">1.33", "v1.34.0+k3s1", "v1.33.99+k3s1"),
    ])
    func ranges(_ text: String, _ inside: String, _ outside: String) throws {
        let range = try #require(VersionRange(text))
        for word in inside.split(separator: " ") { #expect(try range.contains(version(String(word))), "\(word)") }
        for word in outside.split(separator: " ") { #expect(try !range.contains(version(String(word))), "\(word)") }
    }

    @Test(arguments: ["", " ", "1", "~", "~v1.33.4+k3s1", ">= 1.31", "1.33.4", "stable", "^1.33", "1.33,1.34"])
    func refuseOtherRanges(_ text: String) { #expect(VersionRange(text) == nil) }
}
