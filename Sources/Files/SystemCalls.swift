public import Failures
import Glibc

/// The errno beneath a failure, for the few decisions that hang on it.
public struct SystemError: Error, Sendable, Equatable {
    /// The value of errno.
    public let number: Int32

    /// Wraps a value of errno.
    public init(_ number: Int32) { self.number = number }
}

extension Failure {
    /// The one mapping from errno: `doing` is what was tried ("open"), `path` what it was tried on.
    public static func system(_ doing: String, _ path: String, _ number: Int32) -> Failure {
        let code: Code
        var next: String?
        switch number {
        case ENOENT: code = .notFound
        case EACCES, EPERM:
            code = .denied
            next = "Check the owner and mode of it and of the directories above, or run as the user that owns it."
        case EROFS:
            code = .denied
            next = "Choose a path on a file system that is mounted for writing."
        case EEXIST, ELOOP: code = .refused
        case ENOSPC, EDQUOT:
            code = .failed
            next = "Free space on that file system, or choose another."
        case EMFILE, ENFILE:
            code = .failed
            next = "Raise the limit on open files (ulimit -n)."
        default: code = .failed
        }
        var why = String(cString: strerror(number))
        if number == ELOOP { why += " (a symbolic link where none is followed)" }
        return Failure(code, "cannot \(doing) \(path)", why: why, next: next, cause: SystemError(number))
    }

    /// The errno that this failure came from, if it came from one.
    public var systemError: Int32? { (cause as? SystemError)?.number }
}

/// Repeats a call that a signal interrupted, and throws for any other errno.
@discardableResult
func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ doing: @autoclosure () -> String, _ path: @autoclosure () -> String, _ call: () -> Result
) throws(Failure) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let number = errno
        if number != EINTR { throw Failure.system(doing(), path(), number) }
    }
}

/// Repeats a call that a signal interrupted; gives errno, or 0.
func errorNumber(_ call: () -> Int32) -> Int32 {
    while true {
        if call() >= 0 { return 0 }
        let number = errno
        if number != EINTR { return number }
    }
}

/// A path with a NUL in it would be cut there by every system call, and name another file.
func refuseNUL(_ path: String) throws(Failure) {
    guard !path.utf8.contains(0) else {
        throw Failure(.refused, "a path holds a NUL byte: \(path.debugDescription)")
    }
}

/// The directory part and the last component, as dirname and basename give them.
func splitPath(_ path: String) -> (directory: String, name: String) {
    var trimmed = Substring(path)
    while trimmed.utf8.count > 1, trimmed.utf8.last == UInt8(ascii: "/") { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
    let name = String(trimmed[trimmed.index(after: slash)...])
    return (slash == trimmed.startIndex ? "/" : String(trimmed[..<slash]), name)
}

func joinPath(_ directory: String, _ name: String) -> String {
    if directory.isEmpty { return name }
    return directory.utf8.last == UInt8(ascii: "/") ? directory + name : directory + "/" + name
}

extension [UInt8] {
    /// `withUnsafeBytes` for bodies that throw ``Failure``.
    public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Value) throws(Failure) -> Value {
        let result: Result<Value, Failure> = withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// `withUnsafeMutableBytes` for bodies that throw ``Failure``.
    public mutating func withMutableBytes<Value>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result: Result<Value, Failure> = withUnsafeMutableBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
