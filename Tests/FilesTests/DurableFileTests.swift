import Failures
import Files
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct DurableFileTests {
    @Test func appearsOnlyWithTheCommit() throws {
        let scratch = try Scratch()
        let file = try DurableFile(at: scratch["a.txt"])
        try file.write(Array("hello".utf8))
        let partial = try #require(try scratch.names().first)
        #expect(PartialName.matches(partial))
        #expect(partial.hasPrefix(".a.txt."))
        #expect(try FileStatus(of: scratch[partial]).mode == 0o600)
        #expect(try file.written().size == 5)
        #expect(file.count == 5)
        try file.commit(expecting: 5)
        #expect(try scratch.names() == ["a.txt"])
        #expect(try scratch.text("a.txt") == "hello")
        #expect(try FileStatus(of: scratch["a.txt"]).mode == 0o600)
    }

    @Test func goneWhenNotCommitted() throws {
        let scratch = try Scratch()
        do {
            let file = try DurableFile(at: scratch["a"])
            try file.write([1, 2, 3])
            #expect(try scratch.names().count == 1)
        }
        #expect(try scratch.names().isEmpty)
    }

    @Test func wrongLengthIsNotKept() throws {
        let scratch = try Scratch()
        _ = failure {
            let file = try DurableFile(at: scratch["a"])
            try file.write([1, 2, 3])
            try file.commit(expecting: 4)
        }
        #expect(try scratch.names().isEmpty)
    }

    @Test func bytesThatSomethingElseAddedAreNoticed() throws {
        let scratch = try Scratch()
        let late = failure {
            let file = try DurableFile(at: scratch["a"])
            try file.write([1, 2, 3])
            try scratch.write("longer", to: try #require(try scratch.names().first))
            try file.commit()
        }
        #expect(late.description.contains("6 bytes on disk instead of 3"))
        #expect(try scratch.names().isEmpty)
    }

    @Test func replacesOnlyWhenTold() throws {
        let scratch = try Scratch()
        try durablyWrite(Array("old".utf8), to: scratch["a"])
        #expect(failure { try durablyWrite(Array("new".utf8), to: scratch["a"]) }.code == .refused)
        #expect(try scratch.text("a") == "old")
        #expect(try scratch.names() == ["a"])
        try durablyWrite(Array("new".utf8), to: scratch["a"], mode: 0o644, replacing: true)
        #expect(try scratch.text("a") == "new")
        #expect(try FileStatus(of: scratch["a"]).mode == 0o644)
    }

    @Test func aSinkOutlivingTheCommitTakesNothingMore() throws {
        let scratch = try Scratch()
        let file = try DurableFile(at: scratch["a"])
        let sink = file.sink
        try Array("x".utf8).withBytes { bytes throws(Failure) in try sink.write(bytes) }
        try file.commit()
        _ = failure { try Array("y".utf8).withBytes { bytes throws(Failure) in try sink.write(bytes) } }
        #expect(try scratch.text("a") == "x")
    }

    @Test(arguments: ["", "/", "a/", ".", "..", "a/..", String(repeating: "n", count: 256)])
    func namesThatAreNoFileAreRefused(name: String) throws {
        let scratch = try Scratch()
        _ = failure { _ = try DurableFile(at: name.isEmpty ? "" : scratch[name]) }
        #expect(try scratch.names().isEmpty)
    }

    @Test func longNamesFitWithTheirTemporaryName() throws {
        let scratch = try Scratch()
        let name = String(repeating: "é", count: 127)
        try durablyWrite([1], to: scratch[name])
        #expect(try scratch.names() == [name])
    }

    @Test func sweepTakesTheDeadAndLeavesTheLiving() throws {
        let scratch = try Scratch()
        try scratch.write("left by a killed writer", to: ".a.0123abcd.partial")
        try scratch.write("someone's own", to: ".partial")
        try scratch.write("someone's own", to: ".a.0123ABCD.partial")
        try scratch.write("someone's own", to: "a.0123abcd.partial")
        try createDirectory(scratch[".d.0123abcd.partial"])
        let file = try DurableFile(at: scratch["b"])
        #expect(try sweepPartialFiles(in: scratch.path) == [".a.0123abcd.partial"])
        try file.commit()
        let others = [".a.0123ABCD.partial", ".d.0123abcd.partial", ".partial", "a.0123abcd.partial"]
        #expect(try scratch.names() == others + ["b"])
    }

    @Test func writersAndSweepersAtOnceLoseNothing() throws {
        let scratch = try Scratch()
        let committed = Mutex<[String]>([])
        let taken = Mutex(0)
        try inThreads(6) { worker in
            for round in 0..<40 {
                if worker < 2 {
                    try sweepPartialFiles(in: scratch.path)
                } else {
                    // Two writers for each name: exactly one gets it.
                    let name = "f\(worker / 2)-\(round)"
                    do {
                        try durablyWrite(Array(name.utf8), to: scratch[name])
                        committed.withLock { $0.append(name) }
                    } catch let failure as Failure where failure.code == .refused {
                        taken.withLock { $0 += 1 }
                    }
                }
            }
        }
        let names = committed.withLock { $0.sorted() }
        #expect(names.count == 80)
        #expect(taken.withLock { $0 } == 80)
        #expect(try scratch.names().sorted() == names)
        for name in names { #expect(try scratch.text(name) == name) }
    }

    @Test func aFullDiskIsToldAndLeavesNothing() throws {
        try onSmallFileSystem(size: "256k") { directory in
            let block = [UInt8](repeating: 7, count: 64 << 10)
            _ = failure {
                let file = try DurableFile(at: directory + "/big")
                let full = failure { for _ in 0..<8 { try file.write(block) } }
                #expect(full.systemError == ENOSPC)
                #expect(full.next?.hasPrefix("Free space") == true)
                // Even who swallows the error cannot commit the torn file.
                try file.commit()
            }
            let left = try directoryNames(directory)
            #expect(left.isEmpty)
        }
    }
}

/// Runs a body in real threads at once and rethrows what one of them threw.
func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let errors = Mutex<[any Error]>([])
    let threads = (0..<count).map { index in
        WorkerThread {
            do { try body(index) } catch { errors.withLock { $0.append(error) } }
        }
    }
    for thread in threads { thread.join() }
    if let error = errors.withLock({ $0.first }) { throw error }
}
