import Failures
import Foundation
import JSONValues
import Operations
import Synchronization

/// Results on stdout, narration on stderr.
final class Console: Sendable {
    let format: OutputFormat
    let showsHeaders: Bool
    private let isQuiet: Bool
    private let progress: Mutex<ProgressDisplay>
    private let pending = Mutex<[UInt8]>([])
    private let shown = Mutex<JSON?>(nil)
    private let listener = Mutex<(@Sendable (Remark, String) -> Void)?>(nil)

    /// What is said on stderr beside progress.
    enum Remark {
        case note
        case warning
    }

    init(format: OutputFormat, isQuiet: Bool, isVerbose: Bool, showsHeaders: Bool) {
        self.format = format
        self.isQuiet = isQuiet
        self.showsHeaders = showsHeaders
        progress = Mutex(
            ProgressDisplay(isTerminal: isatty(STDERR_FILENO) == 1 && Environment.terminal.value != "dumb"))
    }

    /// Whether a table shows all that there is.
    var isWide: Bool { format == .wide }

    /// The last result that was shown, whatever its form.
    var result: JSON? { shown.withLock { $0 } }

    /// Has remarks told to somebody else as well.
    func listen(_ body: @escaping @Sendable (Remark, String) -> Void) { listener.withLock { $0 = body } }

    /// Shows a result in the form that was asked for.
    func show(_ document: JSON, names: [String], text: String) throws(Failure) {
        shown.withLock { $0 = document }
        switch format {
        case .table, .wide: try write(text.hasSuffix("\n") || text.isEmpty ? text : text + "\n")
        case .json: try write(document.indented() + "\n")
        case .yaml: try write(document.yaml())
        case .name: try write(names.map { $0.printable + "\n" }.joined())
        }
    }

    /// Adds text to the result.
    func write(_ text: String) throws(Failure) {
        endProgress()
        var text = text
        let result: Result<Void, Failure> = text.withUTF8 { bytes in
            do throws(Failure) { return .success(try write(UnsafeRawBufferPointer(bytes))) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Adds bytes to the result.
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try pending.withLock { pending throws(Failure) in
            if pending.count + bytes.count > 1 << 16 {
                try Self.flush(&pending)
                if bytes.count > 1 << 16 { return try StandardOutput.write(bytes) }
            }
            pending.append(contentsOf: bytes)
        }
    }

    /// Writes what is still held back.
    func flush() throws(Failure) {
        try pending.withLock { pending throws(Failure) in try Self.flush(&pending) }
    }

    private static func flush(_ pending: inout [UInt8]) throws(Failure) {
        let bytes = pending
        pending.removeAll(keepingCapacity: true)
        let result: Result<Void, Failure> = bytes.withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try StandardOutput.write(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// A remark for a person.
    func note(_ text: String) {
        listener.withLock { $0 }?(.note, text)
        if !isQuiet { narrate(text.printable) }
    }

    /// Something that a person must see, also when it is quiet.
    func warn(_ text: String) {
        listener.withLock { $0 }?(.warning, text)
        narrate("warning: " + text.printable)
    }

    /// A question; the answer is typed behind it.
    func ask(_ text: String) {
        endProgress()
        StandardError.write(text.printable)
    }

    /// What an operation is doing.
    func show(_ event: OperationContext.Progress) {
        if isQuiet { return }
        progress.withLock { $0.show(event, now: Uptime.now, isWanted: StopSignal.takeProgressRequest()) }
    }

    /// Whether somebody looks on.
    var drawsTables: Bool { !isQuiet && progress.withLock { $0.isTerminal } }

    /// A table that is drawn anew in its place, where there is a terminal.
    func show(table lines: [String]) {
        if isQuiet { return }
        progress.withLock { $0.show(table: lines) }
    }

    /// Takes the line of progress, or the table, away.
    func endProgress() {
        progress.withLock { $0.clear() }
    }

    private func narrate(_ line: String) {
        endProgress()
        StandardError.write(line + "\n")
    }
}
