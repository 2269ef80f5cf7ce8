import Failures
import Files
import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// Pods of daytwo run a real program, with the real directories of their volumes in its arguments.
@Suite struct AgentTests {
    /// Stands for daytwo: says what it was given, and does a few things that an agent does.
    private static let program = """
        #!/bin/sh
        case "$1" in
        idle) trap 'echo asked to end; exit 0' TERM; echo "idle $2 $SETTING $SECRET"; while :; do sleep 0.05; done;;
        write) printf '%s' "$3" > "$2";;
        copy) cat;;
        fail) echo "no such thing" >&2; exit 5;;
        say) printf '%s' "$*";;
        esac
        """

    private static let job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: agent}
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 5
              volumes: [{name: data, persistentVolumeClaim: {claimName: data}}, {name: scratch, emptyDir: {}}]
              containers:
              - name: agent
                image: registry.example.com/tools/daytwo:1
                command: [/usr/bin/daytwo]
                args: [idle, --data-dir=/data/inner]
                env: [{name: SETTING, value: one}, {name: SECRET, valueFrom: {secretKeyRef: {name: key, key: k}}}]
                volumeMounts: [{name: data, mountPath: /data}, {name: scratch, mountPath: /scratch}]
        """

    private static func prepared() async throws -> (
        running: RunningSandbox, kubectl: Kubectl, pod: String, directory: TemporaryDirectory
    ) {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/daytwo-stand-in"
        try PlainFile.write(program.utf8, to: path, mode: 0o755)
        let running = try await RunningSandbox(daytwo: path)
        let kubectl = try running.kubectl()
        try await kubectl("create", "secret", "generic", "key", "--from-literal=k=hidden")
        try await kubectl(
            "create", "-f", "-",
            input:
                "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"
        )
        try await kubectl("create", "-f", "-", input: job)
        try await kubectl("wait", "--for=condition=Ready", "pod", "-l", "job-name=agent", "--timeout=60s")
        let pod = try await kubectl("get", "pods", "-l", "job-name=agent", "-o", "jsonpath={.items[0].metadata.name}")
        return (running, kubectl, pod, directory)
    }

    @Test func runsWithTheVolumesDirectories() async throws {
        let (running, kubectl, pod, directory) = try await Self.prepared()
        let volume = try await kubectl("get", "pv", "-o", "jsonpath={.items[0].spec.hostPath.path}")
        try await eventually("its first words") { try await !kubectl("logs", pod).isEmpty }
        #expect(try await kubectl("logs", pod) == "idle --data-dir=\(volume)/inner one hidden\n")
        try await kubectl("exec", pod, "--", "daytwo", "write", "/data/file", "from the agent")
        #expect(PlainFile.read("\(volume)/file") == Array("from the agent".utf8))
        #expect(try await kubectl("exec", "-i", pod, "--", "/usr/bin/daytwo", "copy", input: "through") == "through")
        #expect(try await kubectl("exec", pod, "--", "daytwo", "fail", code: 5).contains("no such thing"))
        // What is not daytwo is not run.
        try await kubectl("exec", pod, "--", "/bin/ls", "/", code: 1)
        let scratch = try await kubectl("exec", pod, "--", "daytwo", "say", "/scratch").dropFirst(4)
        #expect(PlainFile.exists(String(scratch)))
        try await kubectl("delete", "job", "agent")
        try await eventually("the end of the pod") {
            try await kubectl("get", "pods", "-l", "job-name=agent", "-o", "name").isEmpty
        }
        #expect(!PlainFile.exists(String(scratch)))
        #expect(PlainFile.exists("\(volume)/file"))
        await running.stop()
        _ = directory
    }

    @Test func endsAsAJob() async throws {
        let (running, kubectl, _, directory) = try await Self.prepared()
        let failing = Self.job.replacing("{name: agent}", with: "{name: failing}").replacing(
            "[idle, --data-dir=/data/inner]", with: "[fail]")
        try await kubectl("create", "-f", "-", input: failing)
        try await kubectl("wait", "--for=condition=Failed", "job/failing", "--timeout=60s")
        let status = try await kubectl(
            "get", "pods", "-l", "job-name=failing", "-o",
            "jsonpath={.items[0].status.containerStatuses[0].state.terminated.exitCode}")
        #expect(status == "5")
        let done = Self.job.replacing("{name: agent}", with: "{name: done}").replacing(
            "[idle, --data-dir=/data/inner]", with: "[say, x]")
        try await kubectl("create", "-f", "-", input: done)
        try await kubectl("wait", "--for=condition=Complete", "job/done", "--timeout=60s")
        await running.stop()
        _ = directory
    }
}
