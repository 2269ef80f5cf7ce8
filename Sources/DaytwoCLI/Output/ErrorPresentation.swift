import Archive
import Failures
import Foundation
import JSONValues
import Policies

/// How errors are shown: in at most three lines, or as an object; the only place that does it.
struct ErrorPresentation {
    private let isJSON: Bool
    private let isVerbose: Bool

    init(_ global: GlobalOptions) {
        isJSON = global.output == .json
        isVerbose = global.verbose
    }

    /// For errors that come before the options are known to be right.
    init(arguments: [String]) {
        let arguments = arguments.prefix { $0 != "--" }
        let follows = zip(arguments, arguments.dropFirst()).contains {
            ["-o", "--output"].contains($0) && $1 == "json"
        }
        isJSON = follows || arguments.contains { ["-ojson", "-o=json", "--output=json"].contains($0) }
        isVerbose = arguments.contains { ["-v", "--verbose"].contains($0) }
    }

    /// Writes it to stderr; there is nobody left to tell when that fails.
    func show(_ failure: Failure) {
        let text = isJSON ? String(decoding: json(failure).serialized(), as: UTF8.self) : lines(failure)
        StandardError.write(text + "\n")
    }

    private func json(_ failure: Failure) -> JSON {
        var members: [(String, JSON?)] = [
            ("apiVersion", .string(JSON.apiVersion)), ("kind", .string("Error")),
            ("code", .string(failure.stopSignal == nil ? failure.code.rawValue : "stopped")),
            ("exitCode", .integer(ExitStatus(failure).rawValue)), ("what", .string(failure.what)),
            ("why", failure.why.map(JSON.string)), ("next", failure.next.map { .string(sentence($0)) }),
        ]
        if isVerbose { members.append(("causes", .array(causes(of: failure).map(JSON.string)))) }
        return .members(members)
    }

    private func lines(_ failure: Failure) -> String {
        var text = "daytwo: " + (documentLines(failure) ?? oneLine(failure.description))
        if let next = failure.next { text += "\n  next: " + oneLine(sentence(next)) }
        if isVerbose {
            for cause in causes(of: failure) { text += "\n  cause: " + oneLine(cause) }
        }
        return text
    }

    /// Mistakes in documents: one line each, which editors and people can jump to.
    private func documentLines(_ failure: Failure) -> String? {
        guard failure.cause is DocumentProblems else { return nil }
        return failure.what.split(whereSeparator: \.isNewline).map { String($0).printable }.joined(separator: "\n")
    }

    /// No full stop at the end, and a small letter at the beginning of what is an English word.
    private func sentence(_ next: String) -> String {
        var text = next
        while text.hasSuffix("."), !text.hasSuffix("..") { text.removeLast() }
        let word = text.prefix { $0.isLetter }
        if word.count > 1, word.dropFirst().allSatisfy(\.isLowercase) {
            text = word.lowercased() + text.dropFirst(word.count)
        }
        return text
    }

    private func causes(of failure: Failure) -> [String] {
        var texts: [String] = []
        var next = failure.cause
        while let cause = next, texts.count < 20 {
            texts.append((cause as? Failure)?.description ?? String(describing: cause))
            next = (cause as? Failure)?.cause
        }
        return texts
    }

    /// Text from outside must neither add lines nor drive the terminal.
    func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: "; ").printable
    }
}
