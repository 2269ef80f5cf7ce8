import Archive
import Datastore
import Failures
import JSONValues

/// Objects one after another, in the form that was asked for. Tables are laid out in parts, so that any number fits.
final class ObjectRows {
    private let console: Console
    private let uids: ObjectUIDs
    private var part: [ObjectLine] = []
    private var widths: [Int]
    private var isFirstPart = true
    private var count = 0

    private static let partSize = 500

    init(_ console: Console, uids: ObjectUIDs) {
        self.console = console
        self.uids = uids
        widths = [Int](repeating: 0, count: console.isWide ? 9 : 4)
    }

    func begin() throws(Failure) {
        let version = JSON.document("ObjectStream", [])
        switch console.format {
        case .json: try console.write(version.compact + "\n")
        case .yaml: try console.write("---\n" + version.yaml())
        default: break
        }
    }

    func add(_ object: ObjectLine) throws(Failure) {
        count += 1
        part.append(object)
        if part.count == Self.partSize { try showPart() }
    }

    func end() throws(Failure) {
        if !part.isEmpty { try showPart() }
        if count == 0, console.format == .table || console.isWide { console.note("no such objects") }
    }

    private static func json(_ object: ObjectLine) -> JSON {
        let labels = object.labels.map { labels in
            JSON.members(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
        }
        return .members([
            ("key", .string(object.key)), ("revision", .integer(object.revision)),
            ("kind", object.kind.map(JSON.string)),
            ("apiVersion", object.apiVersion.map(JSON.string)), ("namespace", object.namespace.map(JSON.string)),
            ("name", object.name.map(JSON.string)), ("uid", object.uid.map(JSON.string)), ("labels", labels),
            ("created", object.created.map(JSON.string)), ("deleted", object.deleted.map(JSON.string)),
            ("size", .integer(object.size)), ("encoding", .string(object.encoding)),
            ("problem", object.problem.map(JSON.string)),
        ])
    }

    private func showPart() throws(Failure) {
        let objects = part
        part.removeAll(keepingCapacity: true)
        switch console.format {
        case .json:
            for object in try uids.added(to: objects) { try console.write(Self.json(object).compact + "\n") }
        case .yaml:
            for object in try uids.added(to: objects) { try console.write("---\n" + Self.json(object).yaml()) }
        case .name: for object in objects { try console.write(object.key.printable + "\n") }
        case .wide: try showTable(uids.added(to: objects))
        case .table: try showTable(objects)
        }
    }

    private func showTable(_ objects: [ObjectLine]) throws(Failure) {
        var lines = objects.map(cells)
        if isFirstPart, console.showsHeaders {
            let titles = ["KIND", "NAMESPACE", "NAME", "CREATED", "UID", "REVISION", "SIZE", "LABELS", "KEY"]
            lines.insert(Array(titles.prefix(widths.count)), at: 0)
        }
        isFirstPart = false
        for line in lines {
            for (column, cell) in line.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        for line in lines {
            var text = ""
            for (column, cell) in line.enumerated() {
                text += cell
                if column < line.count - 1 { text += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            try console.write(text + "\n")
        }
    }

    private func cells(_ object: ObjectLine) -> [String] {
        let key = ObjectKey(object.key)
        var cells = [
            object.kind ?? key.resource, object.namespace ?? "-", object.name ?? key.name, object.created ?? "-",
        ]
        if console.isWide {
            let labels = (object.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            cells += [
                object.uid ?? "-", String(object.revision), Formats.bytes(UInt64(clamping: object.size)),
                labels.joined(separator: ","),
                object.key,
            ]
        }
        return cells.map { $0.isEmpty ? "-" : $0.printable }
    }
}
