/// Rows in columns, and lines of names and values.
struct Table {
    private let header: [String]
    private var rows: [[String]] = []
    private let rightAligned: Set<Int>

    /// Columns by their titles; those at the given places hold numbers.
    init(_ header: [String], rightAligned: Set<Int> = []) {
        self.header = header
        self.rightAligned = rightAligned
    }

    mutating func add(_ cells: [String]) { rows.append(cells.map(\.printable)) }

    /// The lines; nothing stands behind the last column.
    func text(showsHeader: Bool) -> String {
        let lines = (showsHeader ? [header] : []) + rows
        var widths = [Int](repeating: 0, count: header.count)
        for line in lines {
            for (column, cell) in line.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        return lines.map { line in
            var text = ""
            for (column, cell) in line.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                text += rightAligned.contains(column) ? padding + cell : cell + padding
                if column < line.count - 1 { text += "  " }
            }
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }.joined()
    }
}

/// One thing, shown as names and values below each other.
struct Block {
    private var lines: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { lines.append((name, value.printable)) }
    }

    /// Several values of one name, each on a line of its own.
    mutating func add(_ name: String, each values: [String]) {
        for (position, value) in values.enumerated() { lines.append((position == 0 ? name : "", value.printable)) }
    }

    var text: String {
        let width = lines.map(\.name.count).max() ?? 0
        return lines.map { line in
            line.name + String(repeating: " ", count: width - line.name.count + 2) + line.value + "\n"
        }.joined()
    }
}
