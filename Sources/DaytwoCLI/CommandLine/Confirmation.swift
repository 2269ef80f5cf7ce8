import Failures
import Foundation

/// Asks before something is destroyed or replaced.
enum Confirmation {
    /// Returns when `isGiven` (`--yes`) or when a person at a terminal says yes; throws otherwise.
    static func require(_ question: String, isGiven: Bool, _ console: Console) throws(Failure) {
        if isGiven { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw Failure(
                .usage, "this needs --yes, because there is no terminal to ask on", why: question,
                next: "add --yes to do it")
        }
        console.ask("\(question) [y/N] ")
        let answer = try readAnswer().lowercased()
        guard answer == "y" || answer == "yes" else {
            throw Failure(.refused, "not confirmed", why: "the answer was no, and nothing was changed")
        }
    }

    private static func readAnswer() throws(Failure) -> String {
        var answer: [UInt8] = []
        while answer.count < 64 {
            // poll is never restarted after a signal, so that Ctrl-C gets through.
            var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, -1)
            try StopSignal.check(next: "nothing was changed")
            guard ready > 0 else { continue }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1, byte != UInt8(ascii: "\n") else { break }
            answer.append(byte)
        }
        return String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
