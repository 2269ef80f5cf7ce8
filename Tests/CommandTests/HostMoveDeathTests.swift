import Foundation
import Testing

@Suite("Moves to another host that are cut", .timeLimit(.minutes(15)))
struct HostMoveDeathTests {
    private let move: MoveFixture

    init() throws { move = try MoveFixture("B") }

    private enum Step: CaseIterable { case marked, data, staged, started }

    @Test("Killed at any step, another process finds the mark, and finishes it or removes what was made")
    func killed() throws {
        for step in Step.allCases {
            for verb in ["resume", "rollback"] {
                try cut(at: step)
                guard try mark() != "" else {
                    #expect(step == .started, "\(step): it was cut before its mark")
                    try remove()
                    continue
                }
                let other = try move.restore("run", "--yes", "--create-namespace")
                #expect(other.code == 4 || other.code == 6, "\(step): \(other.code) \(other.errors)")
                let words = [MoveFixture.place, "--host", "host-2"] + (verb == "rollback" ? ["--yes"] : [])
                let way = try move.restore(verb, words)
                #expect(way.code == 0, "\(step), \(verb): \(way.text)\(way.errors)")
                #expect(try move.host.leftovers(host: 2) == "", "\(step), \(verb)")
                if verb == "resume" {
                    #expect(try mark() == "", "\(step)")
                    #expect(
                        try move.there("get", "pod", "silver-0", "-n", "fresh", "--no-headers").contains("2/2"),
                        "\(step)")
                    #expect(try move.waitFor { try move.claimInside() == "Bound" }, "\(step)")
                    try remove()
                } else {
                    #expect(try move.waitFor { try !move.left().contains("silver") }, "\(step)")
                }
            }
        }
    }

    @Test("A removal that is killed while what the syncer has made still goes is gone on with")
    func removalKilled() throws {
        #expect(try move.restore("run", "--yes", "--create-namespace").code == 0)
        let service = try move.there("get", "service", "silver", "-n", "fresh", "-o", "jsonpath={.metadata.uid}")
        let held = try move.host.commands.write(
            """
            apiVersion: v1
            kind: Service
            metadata:
              name: held
              namespace: fresh
              labels: {vcluster.loft.sh/managed-by: silver}
              finalizers: [example.com/held]
              ownerReferences: [{apiVersion: v1, kind: Service, name: silver, uid: \(service)}]
            spec: {ports: [{port: 80}]}
            """, to: "held.yaml")
        #expect(try move.there("apply", "-f", held).contains("created"))
        let words = ["restore", "rollback", MoveFixture.place, "--host", "host-2", "--yes"]
        let first = try move.host.commands.start(words, environment: move.surroundings, timeout: .seconds(120))
        try move.host.commands.wait("the Service's end") {
            try move.there("get", "services", "-n", "fresh", "-o", "name").contains("silver") == false
        }
        usleep(500_000)
        #expect(!first.hasEnded())
        kill(first.id, SIGKILL)
        _ = try first.result()
        #expect(try mark() != "", "the workload has the mark still")
        _ = try move.there(
            "patch", "service", "held", "-n", "fresh", "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}")
        try remove()
        #expect(try move.waitFor { try !move.left().contains("silver") && !move.left().contains("fresh") })
    }

    @Test("An empty namespace that a killed move has left is taken over, and removed on the way back")
    func emptyNamespace() throws {
        let mark = "daytwo.dev/restore-created"
        #expect(try move.there("create", "namespace", "fresh").contains("created"))
        _ = try move.there("annotate", "namespace", "fresh", "\(mark)=\(String(repeating: "ab", count: 16))")
        try move.host.fault(["admission-denied", "--host", "host-2", "--on", "fresh", "--value", "statefulsets"])
        let cut = try move.restore("run", "--yes", "--create-namespace")
        #expect(cut.code == 4, "\(cut.code) \(cut.errors)")
        #expect(try !move.there("get", "namespaces", "-o", "name").contains("namespace/fresh"))
        // One that somebody uses is left alone.
        _ = try move.there("create", "namespace", "fresh")
        _ = try move.there("annotate", "namespace", "fresh", "\(mark)=\(String(repeating: "ab", count: 16))")
        _ = try move.there("create", "configmap", "theirs", "-n", "fresh")
        #expect(try move.restore("run", "--yes", "--create-namespace").code == 4)
        #expect(try move.there("get", "configmaps", "-n", "fresh", "-o", "name").contains("theirs"))
    }

    private func remove() throws {
        let back = try move.restore("rollback", [MoveFixture.place, "--host", "host-2", "--yes"])
        #expect(back.code == 0, "\(back.errors)")
    }

    private func cut(at step: Step) throws {
        let run = try move.host.commands.start(
            ["restore", "run"] + move.words + ["--yes", "--create-namespace"], environment: move.surroundings,
            timeout: .seconds(120))
        while !run.hasEnded() {
            let isThere =
                switch step {
                case .marked: try mark() != ""
                case .data: try isThere("jobs")
                case .staged:
                    try journals().contains { $0.contains("\"state\" : \"staged\"") || $0.contains("\"done\"") }
                case .started: try journals().contains { $0.contains("\"state\" : \"done\"") } && mark() != ""
                }
            if isThere { kill(run.id, SIGKILL) } else { usleep(1000) }
        }
    }

    private func isThere(_ kind: String) throws -> Bool {
        try !move.there("get", kind, "-n", "fresh", "-o", "name", "--ignore-not-found").isEmpty
    }

    private func mark() throws -> String {
        try move.there(
            "get", "statefulset", "silver", "-n", "fresh", "--ignore-not-found", "-o",
            "jsonpath={.metadata.annotations.daytwo\\.dev/restore-run}")
    }

    /// The journals on the volumes of the second host.
    private func journals() throws -> [String] {
        let volumes = move.host.commands.path("sandbox/host-2/volumes")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: volumes)) ?? []
        return names.flatMap { volume -> [String] in
            let folder = "\(volumes)/\(volume)/.daytwo"
            let runs = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return runs.compactMap { FileManager.default.contents(atPath: "\(folder)/\($0)/journal.json") }
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
