import Datastore
import Failures
import Files
import Foundation
import Testing

@Suite("Hot snapshots of kine on SQLite")
struct KineSnapshotTests {
    @Test func quick() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let options = SnapshotOptions(now: { start.duration(to: ContinuousClock().now) })
        let snapshotter = try KineSnapshotter(path: "/tmp/fxdb/state.db", options: options)
        let snapshot = try snapshotter.take(scratchDirectory: "/tmp")
        print(snapshot.window, snapshot.rowsSHA256, snapshot.reading, snapshot.file.size)
    }
}
