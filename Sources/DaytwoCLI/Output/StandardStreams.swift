import Failures
import Foundation

/// Where results go. What cannot be written is an error: a result that nobody got is none.
enum StandardOutput {
    static func write(_ text: String) throws(Failure) {
        var text = text
        let result: Result<Void, Failure> = text.withUTF8 { bytes in
            do throws(Failure) { return .success(try write(UnsafeRawBufferPointer(bytes))) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    static func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = Foundation.write(STDOUT_FILENO, rest.baseAddress, rest.count)
            if count >= 0 {
                done += count
                continue
            }
            let number = errno
            if number == EINTR { continue }
            if number == EPIPE { endAsBrokenPipe() }
            throw Failure(.failed, "cannot write the result to stdout", why: String(cString: strerror(number)))
        }
    }

    /// `daytwo … | head` ends as every other tool does there.
    private static func endAsBrokenPipe() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        exit(1)
    }
}

/// Where the narration goes. Nobody may be listening, and that stops nothing.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[done...]))
                let count = Foundation.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if count > 0 { done += count } else if errno != EINTR { return }
            }
        }
    }
}
