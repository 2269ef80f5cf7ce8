import Foundation
import Testing

@Suite("libcurl, which is loaded when it is needed", .timeLimit(.minutes(2)))
struct LibcurlTests {
    @Test("Without it, a data directory is backed up as ever; what asks a server says what is missing")
    func missing() throws {
        let fixture = try CommandFixture()
        let libraries = fixture.path("libraries")
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: false)
        // The loader finds this one first, and it is none.
        _ = try fixture.write("", to: "libraries/libcurl.so.4")
        let environment = ["LD_LIBRARY_PATH": libraries]
        let backup = try fixture.daytwo(
            [
                "backup", "create", "--data-dir", fixture.dataDirectory(), "--name", "blue", "--store", fixture.store,
            ], environment: environment)
        #expect(backup.code == 0, "\(backup.errors)")

        let kubeconfig = try fixture.write(
            """
            apiVersion: v1
            kind: Config
            clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
            contexts: [{name: a, context: {cluster: a, user: a}}]
            users: [{name: a, user: {token: t}}]
            current-context: a

            """, to: "kubeconfig")
        let list = try fixture.daytwo(["clusters", "list", "--kubeconfig", kubeconfig], environment: environment)
        #expect(
            list.code != 0 && list.errors.contains("libcurl cannot be loaded") && list.errors.contains("libcurl4"),
            "\(list.code) \(list.errors)")
    }
}
