import Files
import Foundation
import Testing

extension RealBinary {
    /// What is on the disk when the power goes: the order of fsync and rename, read from a trace of the real binary.
    @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Tools.hasStrace))
    struct OrderTests {
        private let place: Scratch
        private let samples: SampleServers

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
        }

        private func trace(_ command: [String]) throws -> [SystemCallTrace.Call] {
            try SystemCallTrace.of(command, calls: changingCalls + ["openat", "openat2"], in: place).calls
        }

        /// The path of the first descriptor in a call: `fsync(5</a/b>)`.
        private func subject(_ call: SystemCallTrace.Call) -> String? {
            guard let open = call.line.firstIndex(of: "<"), let close = call.line[open...].firstIndex(of: ">") else {
                return nil
            }
            return String(call.line[call.line.index(after: open)..<close])
        }

        private func isChange(_ call: SystemCallTrace.Call) -> Bool {
            ["write", "pwrite64", "ftruncate", "copy_file_range", "fchmod", "fchown", "utimensat"].contains(call.name)
        }

        private func isSync(_ call: SystemCallTrace.Call) -> Bool { ["fsync", "fdatasync"].contains(call.name) }

        @Test func everythingStagedIsDurableBeforeTheExchange() throws {
            let root = try samples.copyOfSmallNow(place)
            let calls = try trace([
                Tools.daytwo, "restore", "run", samples.smallArchive, "--data-dir", root, "--quiet", "--yes",
            ])
            let exchanges = calls.indices.filter {
                calls[$0].name == "renameat2" && calls[$0].line.contains("RENAME_EXCHANGE")
            }
            try #require(exchanges.count == 1)
            let exchange = exchanges[0]
            let sets = try directoryNames("\(root)/.daytwo").filter { $0 != "lock" }
            try #require(sets.count == 1)
            let run = "\(root)/.daytwo/\(sets[0])"
            let stage = "\(run)/server"

            // Every file and directory that is in place now: synchronized after its last change and before the exchange.
            let staged = try walkTree("\(root)/server").filter { [.regular, .directory].contains($0.status.kind) }
            #expect(staged.count > 50)
            for path in [stage] + staged.map({ "\(stage)/\($0.path)" }) {
                let syncs = calls[..<exchange].indices.filter { isSync(calls[$0]) && subject(calls[$0]) == path }
                let changes = calls[..<exchange].indices.filter { index in
                    // copy_file_range names its target second.
                    isChange(calls[index]) && (subject(calls[index]) == path || calls[index].line.contains("<\(path)>"))
                }
                guard let last = syncs.last else {
                    // A snapshot is the same file as in the old set, which was not written.
                    #expect(changes.isEmpty && path.contains("/db/snapshots/"), "\(path) is never synchronized")
                    continue
                }
                #expect((changes.last ?? -1) < last, "\(path) is changed after its fsync")
            }
            // The record that says so is durable as well, before the exchange.
            let recorded = calls[..<exchange].indices.last {
                calls[$0].name == "renameat" && calls[$0].line.contains("journal.json")
            }
            let journal = try #require(recorded)
            #expect(calls[journal..<exchange].contains { isSync($0) && subject($0) == run }, "the record's directory")
            let treeSynced = calls[..<exchange].indices.last { isSync(calls[$0]) && subject(calls[$0]) == stage }
            #expect(try #require(treeSynced) < journal, "the record comes after what it records")
            // Both directories of the exchange are synchronized before the next record.
            let next = try #require(calls[exchange...].indices.first { calls[$0].name == "renameat" })
            for directory in [root, run] {
                #expect(
                    calls[exchange..<next].contains { isSync($0) && subject($0) == directory },
                    "\(directory) after the exchange")
            }
            // No byte was written in what k3s finds: it changed by the exchange alone.
            let foreign = calls.filter { call in
                ["write", "pwrite64", "ftruncate"].contains(call.name) && !call.line.contains("-shm>")
                    && (subject(call) ?? "").hasPrefix("\(root)/server/")
            }
            #expect(foreign.map(\.line) == [])
        }

        @Test func anArchiveIsDurableBeforeItsRecord() throws {
            let store = place["store"]
            try createDirectory(store)
            let calls = try trace([
                Tools.daytwo, "backup", "create", "--quiet", "--data-dir", samples.smallSource, "--name", "order",
                "--store", store,
            ])
            let renames = calls.indices.filter {
                ["rename", "renameat", "renameat2", "link", "linkat"].contains(calls[$0].name)
                    && calls[$0].line.contains("/order>")
            }
            // The archive gets its name first, its record after it.
            try #require(renames.count == 2, "\(renames.map { calls[$0].line })")
            let archive = renames[0]
            let partial = try #require(
                calls[..<archive].indices.last { isSync(calls[$0]) && (subject(calls[$0]) ?? "").hasSuffix(".partial") }
            )
            let name = try #require(subject(calls[partial]))
            #expect(name.contains(".tar.zst."), "\(name)")
            let lastWrite = calls[..<archive].indices.last { calls[$0].name == "write" && subject(calls[$0]) == name }
            #expect(try #require(lastWrite) < partial, "bytes after the fsync")
            let folder = try #require(name.split(separator: "/").dropLast().last.map(String.init))
            #expect(folder == "order")
            let directory = calls[archive...].indices.first {
                isSync(calls[$0]) && (subject(calls[$0]) ?? "").hasSuffix("/order")
            }
            let synced = try #require(directory, "the directory is synchronized")
            // Not a byte of the record before that.
            let record = calls.indices.first {
                calls[$0].name == "openat" && calls[$0].line.contains("O_CREAT") && calls[$0].line.contains(".json.")
            }
            #expect(try #require(record, "a record is written") > synced)
        }
    }
}
