import Foundation
import Operations

/// One line, or a table, that changes on a terminal; elsewhere a line every few seconds.
struct ProgressDisplay {
    let isTerminal: Bool
    private var step = ""
    private var stepStart = Duration.zero
    private var lastShown: Duration?
    private var isLineThere = false
    private var table: [String] = []

    init(isTerminal: Bool) {
        self.isTerminal = isTerminal
    }

    mutating func show(_ event: OperationContext.Progress, now: Duration, isWanted: Bool) {
        var text = step
        let isDue: Bool
        switch event {
        case .step(let name):
            step = name
            stepStart = now
            text = name
            isDue = isTerminal || isTime(now)
        case .bytes(let done, let total):
            text = [step, amount(done, of: total, after: now - stepStart)].filter { !$0.isEmpty }.joined(
                separator: ": ")
            isDue = isTime(now)
        }
        // A first line only after a while: what is done at once needs none.
        if lastShown == nil, !isTerminal { lastShown = now }
        guard isDue || isWanted else { return }
        lastShown = now
        write(text.printable, endsLine: !isTerminal)
    }

    /// Draws a table in the place of the last one; nothing where there is no terminal.
    mutating func show(table lines: [String]) {
        let (rows, columns) = size
        let shown = lines.prefix(max(1, rows - 1)).map { String($0.printable.prefix(columns - 1)) }
        guard isTerminal, isLineThere || shown != table else { return }
        clear()
        StandardError.write(shown.map { $0 + "\n" }.joined())
        table = shown
    }

    mutating func clear() {
        if isLineThere { StandardError.write("\r\u{1B}[K") }
        if !table.isEmpty { StandardError.write("\u{1B}[\(table.count)A\u{1B}[J") }
        isLineThere = false
        table = []
    }

    private func isTime(_ now: Duration) -> Bool {
        guard let lastShown else { return false }
        return now - lastShown >= (isTerminal ? .milliseconds(200) : .seconds(5))
    }

    private mutating func write(_ text: String, endsLine: Bool) {
        if endsLine {
            StandardError.write(text + "\n")
        } else {
            StandardError.write("\r\u{1B}[K" + text.prefix(size.columns - 1))
            isLineThere = true
        }
    }

    private var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20, size.ws_row > 2 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    private func amount(_ done: Int64, of total: Int64?, after elapsed: Duration) -> String {
        let seconds = elapsed.inSeconds
        var text = Formats.bytes(UInt64(max(0, done)))
        if let total, total > 0 { text += " of \(Formats.bytes(UInt64(total)))" }
        guard seconds > 0.5, done > 0 else { return text }
        let rate = Double(done) / seconds
        text += ", \(Formats.bytes(UInt64(rate)))/s"
        if let total, total > done { text += ", \(Formats.duration(Double(total - done) / rate)) left" }
        return text
    }
}
