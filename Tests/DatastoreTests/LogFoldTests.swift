import Datastore
import Failures
import Files
import Foundation
import Testing

@Suite("A log that is brought into its database")
struct LogFoldTests {
    @Test("While another process reads it is locked, which is no damage; afterwards the file alone has every row")
    func openElsewhere() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let place = DatastorePlace.kubernetes(directory: folder.path)
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        reader.arguments = ["stdbuf", "-oL", "sqlite3", "-batch", place.database]
        let (input, output) = (Pipe(), Pipe())
        reader.standardInput = input
        reader.standardOutput = output
        try reader.run()
        input.fileHandleForWriting.write(
            Data(
                """
                PRAGMA journal_mode=WAL; CREATE TABLE kine (id INTEGER PRIMARY KEY); INSERT INTO kine VALUES (7);
                BEGIN; SELECT 'begun' FROM kine;

                """.utf8))
        var said = ""
        while !said.contains("begun") {
            let more = output.fileHandleForReading.availableData
            try #require(!more.isEmpty)
            said += String(decoding: more, as: UTF8.self)
        }

        let failure = #expect(throws: Failure.self) { try foldLog(intoDatabaseAt: place) }
        #expect(failure?.code == .locked, "\(String(describing: failure))")
        #expect(try hasLog(besideDatabaseAt: place.database))

        try input.fileHandleForWriting.close()
        reader.waitUntilExit()
        #expect(try foldLog(intoDatabaseAt: place))
        #expect(try directoryNames(folder.path) == ["state.db"])
        #expect(try run("sqlite3", [place.database, "SELECT id FROM kine"]).output == "7\n")
    }
}
