import Files
import Foundation
import Testing

extension RealBinary {
    /// Which k3s a backup says it is of, and from where that is known.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct VersionTests {
        private let place: Scratch
        private static let control = "node-role.kubernetes.io/control-plane"

        init() throws { place = try Scratch() }

        private func unpacked(_ fixture: String) throws -> String {
            try require(["/usr/bin/env", "tar", "--zstd", "-xf", Tools.fixture(fixture), "-C", place.path])
            return place[fixture]
        }

        private func value(_ name: String, _ version: String, _ role: String) throws -> String {
            let path = place["value-\(UUID().uuidString)"]
            try require([
                "/bin/sh", "-c",
                "python3 -B \(Tools.support("node_object.py")) value \(name) \(version) \(role) > \(path)",
            ])
            return path
        }

        private func insert(_ key: String, _ file: String, _ root: String) throws {
            _ = try python("node_object.py", "insert", "\(root)/server/db/state.db", key, file)
        }

        private func add(_ name: String, _ version: String, _ role: String, hasJoined: Bool = true, to root: String)
            throws
        {
            let file = try value(name, version, role)
            try insert("/registry/minions/\(name)", file, root)
            if hasJoined { try insert("/registry/secrets/kube-system/\(name).node-password.k3s", file, root) }
        }

        private func versions(of root: String, _ more: String...) throws -> [String: String] {
            let ended = try execute(
                [
                    Tools.daytwo, "backup", "create", "--data-dir", root, "--name", "v", "--store", place.path, "-o",
                    "json",
                ]
                    + ["--max-snapshot-age", "36500d"] + more)
            try #require(ended.status == 0, "\(ended.error)")
            let document = try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
            let versions = try #require(document?["versions"] as? [String: [String: String]])
            return versions.mapValues { "\($0["value"] ?? "") from \($0["source"] ?? "")" }
        }

        @Test(arguments: SampleServers.fixtures + ["k3s-1.21.2-etcd"])
        func `nothing is guessed where no node has joined`(_ fixture: String) throws {
            let root = try unpacked(fixture)
            #expect(try versions(of: root) == ["k3s": "unknown from unknown"])
            #expect(try versions(of: root, "--k3s-version", "v9") == ["k3s": "v9 from told"])
        }

        @Test(arguments: zip(SampleServers.fixtures, ["v1.21.2+k3s1", "v1.20.8+k3s1"]))
        func `the nodes that have joined tell it, the control plane first`(_ fixture: String, _ version: String) throws
        {
            let root = try unpacked(fixture)
            // As a syncer copies one from a host cluster that is a k3s as well.
            try add("host", "v1.30.1+k3s1", Self.control, hasJoined: false, to: root)
            try add("foreign", "v1.29.0", Self.control, to: root)
            #expect(try versions(of: root) == ["k3s": "unknown from unknown"])
            try add("agent", "v1.19.16+k3s1", "", to: root)
            #expect(
                try versions(of: root) == [
                    "k3s": "unknown from unknown", "k3s on agent": "v1.19.16+k3s1 from node object agent",
                ])
            try add("server", version, Self.control, to: root)
            #expect(
                try versions(of: root) == [
                    "k3s": "\(version) from node object server",
                    "k3s on agent": "v1.19.16+k3s1 from node object agent",
                ])
            try add("upgraded", "v1.22.1+k3s1", "node-role.kubernetes.io/master", to: root)
            let mixed = try versions(of: root)
            #expect(mixed["k3s"] == "unknown from unknown", "which of the two serves this directory is not known")
            #expect(mixed["k3s on upgraded"] == "v1.22.1+k3s1 from node object upgraded" && mixed.count == 4)
        }

        @Test(.enabled(if: Tools.hasEtcd)) func `an etcd snapshot tells it as well`() throws {
            let root = try unpacked("k3s-1.21.2-etcd")
            let snapshots = "\(root)/server/db/snapshots"
            try require([
                "/usr/bin/env", "ETCDCTL_API=3", "etcdctl", "snapshot", "restore",
                "\(snapshots)/on-demand-red-0-1795347441", "--data-dir", place["member"],
            ])
            let server = try Etcd(place["member"], place)
            let file = try value("red-0", "v1.21.2+k3s1", Self.control)
            for key in ["minions/red-0", "secrets/kube-system/red-0.node-password.k3s"] {
                try server.put("/registry/\(key)", file)
            }
            _ = try server.client("snapshot", "save", "\(snapshots)/on-demand-red-0-1795347999")
            try server.stop()
            #expect(try versions(of: root) == ["k3s": "v1.21.2+k3s1 from node object red-0"])
        }
    }
}
