internal import FoundationEssentials
internal import Glibc

/// What plain containers can do: a handful of commands of a shell, all built in; nothing from outside is run.
struct MiniShell: Sendable {
    /// Where a command reads and writes.
    struct Streams {
        var read: () async -> [UInt8]?
        var output: ([UInt8]) async -> Void
        var errors: ([UInt8]) async -> Void
    }

    /// A program that is not there.
    struct NotFound: Error { let program: String }

    let mounts: [Mount]
    /// The program `k3s`, where the image has it.
    var k3s: K3sProgram?

    /// Runs a command to its end; `sh -c` takes lines, `;`, `&&`, `|` and `>&2`.
    func run(_ command: [String], _ streams: Streams) async throws(NotFound) -> Int32 {
        let program = command.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
        if ["sh", "bash", "ash"].contains(program) {
            guard command.count >= 3, command[1].hasSuffix("c") else { return 0 }
            return await script(command[2], streams)
        }
        guard let code = await builtin(program, Array(command.dropFirst()), streams) else {
            throw NotFound(program: command.first ?? "")
        }
        return code
    }

    private func script(_ text: String, _ streams: Streams) async -> Int32 {
        var code: Int32 = 0
        for statement in text.split(whereSeparator: { $0 == ";" || $0 == "\n" }) {
            for step in String(statement).components("&&") {
                let words = Self.words(step)
                if words.isEmpty { continue }
                if words[0] == "exit" { return Int32(words.dropFirst().first ?? "") ?? code }
                code = await pipeline(words, streams)
                if words[0] == "exec" { return code }
                if code != 0 { break }
            }
        }
        return code
    }

    private func pipeline(_ words: [String], _ streams: Streams) async -> Int32 {
        let stages = words.split(separator: "|", omittingEmptySubsequences: false).map(Array.init)
        var input = streams.read
        var code: Int32 = 0
        for (position, stage) in stages.enumerated() {
            var stage = stage
            var own = streams
            own.read = input
            stage.removeAll { $0 == "2>&1" }
            if let index = stage.firstIndex(of: ">&2") {
                stage.remove(at: index)
                own.output = streams.errors
            }
            let collected = Collected()
            if position < stages.count - 1 { own.output = { bytes in await collected.add(bytes) } }
            guard let program = stage.first else { continue }
            let name = String(program.split(separator: "/").last ?? "")
            if let result = await builtin(name, Array(stage.dropFirst()), own) {
                code = result
            } else {
                await streams.errors(Array("sh: 1: \(program): not found\n".utf8))
                code = 127
            }
            input = { await collected.take() }
        }
        return code
    }

    private actor Collected {
        private var bytes: [UInt8] = []
        func add(_ more: [UInt8]) { bytes += more }
        func take() -> [UInt8]? {
            defer { bytes = [] }
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// Nil where there is no such command.
    private func builtin(_ name: String, _ arguments: [String], _ streams: Streams) async -> Int32? {
        switch name {
        case "true", "pause", ":": return 0
        case "false": return 1
        case "exit": return Int32(arguments.first ?? "0") ?? 0
        case "echo":
            await streams.output(Array((arguments.joined(separator: " ") + "\n").utf8))
            return 0
        case "cp", "set": return 0
        case "exec":
            let program = arguments.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
            return await builtin(program, Array(arguments.dropFirst()), streams)
        case "test":
            guard arguments.count == 2, arguments[0] == "-L", let real = mounts.real(arguments[1]) else { return 2 }
            var status = stat()
            return lstat(real, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK ? 0 : 1
        case "rm":
            let isForced = arguments.first == "-f"
            var code: Int32 = 0
            for path in arguments where !path.hasPrefix("-") {
                guard let real = mounts.real(path), unlink(real) != 0 else { continue }
                // A directory is not removed, whether forced or not.
                if errno != ENOENT || !isForced { code = 1 }
            }
            return code
        case "k3s":
            guard let result = await k3s?.run(arguments) else { return nil }
            await streams.errors(Array(result.output.utf8))
            return result.code
        case "sleep":
            let seconds = arguments.first == "infinity" ? 1e9 : Double(arguments.first ?? "") ?? 0
            do { try await Task.sleep(for: .seconds(seconds)) } catch { return 143 }
            return 0
        case "cat": return await cat(arguments, streams)
        case "head": return await head(arguments, streams)
        case "wc": return await count(streams)
        default: return nil
        }
    }

    private func cat(_ paths: [String], _ streams: Streams) async -> Int32 {
        if paths.isEmpty {
            while let bytes = await streams.read() { await streams.output(bytes) }
            return 0
        }
        var code: Int32 = 0
        for path in paths {
            if let real = mounts.real(path), let bytes = PlainFile.read(real) {
                await streams.output(bytes)
            } else {
                await streams.errors(Array("cat: can't open '\(path)': No such file or directory\n".utf8))
                code = 1
            }
        }
        return code
    }

    private func head(_ arguments: [String], _ streams: Streams) async -> Int32 {
        guard let option = arguments.firstIndex(of: "-c"), option + 1 < arguments.count,
            var left = Int(arguments[option + 1])
        else { return 2 }
        if arguments.count > option + 2, arguments[option + 2] == "/dev/zero" {
            while left > 0 {
                let count = min(left, 32 << 10)
                await streams.output([UInt8](repeating: 0, count: count))
                left -= count
            }
            return 0
        }
        while left > 0, let bytes = await streams.read() {
            await streams.output(Array(bytes.prefix(left)))
            left -= min(left, bytes.count)
        }
        return 0
    }

    private func count(_ streams: Streams) async -> Int32 {
        var total = 0
        while let bytes = await streams.read() { total += bytes.count }
        await streams.output(Array("\(total)\n".utf8))
        return 0
    }

    /// Words, with quotes; redirections and pipes stand alone.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isWord = false
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                isWord = true
            } else if character.isWhitespace {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
            } else if character == "|" {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
                words.append("|")
            } else {
                word.append(character)
                isWord = true
            }
        }
        if isWord { words.append(word) }
        return words
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
