public import Failures
import Files
public import FoundationEssentials
import Glibc

/// Rings at the file `STATE/doorbell`: a scheduler in another process, which sleeps, hears it at once.
struct Doorbell: Sendable {
    let path: String

    init(stateDirectory: String) { path = stateDirectory + "/doorbell" }

    /// Wakes the schedulers that listen. Nothing depends on it but how soon they look.
    func ring() { _ = utimensat(AT_FDCWD, path, nil, 0) }
}

/// Hears the doorbell of a state directory, without asking again and again: inotify costs nothing while nobody rings.
public final class DoorbellListener {
    private let path: String
    private let events: FileDescriptor

    /// Listens from now on.
    public init(_ database: StateDatabase) throws(Failure) {
        path = Doorbell(stateDirectory: database.directory).path
        let number = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard number >= 0 else { throw Failure.system("listen for changes of", path, errno) }
        events = FileDescriptor(owning: number, path: path)
        try watch()
    }

    /// Sleeps until somebody rings, a signal comes, or so many seconds are over; true when somebody rang.
    public func wait(seconds: TimeInterval) throws(Failure) -> Bool {
        var descriptor = pollfd(fd: events.raw, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: Int64(max(0, min(seconds, 3600)) * 1000) + 1)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return false }
        try drain()
        // One that was removed is made anew; for one that is there, this changes nothing.
        try watch()
        return true
    }

    private func watch() throws(Failure) {
        if mknod(path, S_IFREG | 0o600, 0) != 0, errno != EEXIST { throw Failure.system("create", path, errno) }
        guard inotify_add_watch(events.raw, path, UInt32(IN_ATTRIB)) >= 0 else {
            throw Failure.system("listen for changes of", path, errno)
        }
    }

    private func drain() throws(Failure) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let number = events.raw
        while buffer.withUnsafeMutableBytes({ Glibc.read(number, $0.baseAddress, $0.count) }) > 0 {}
    }
}

extension JobQueue {
    /// Wakes the schedulers of this state directory: for a stop or a reload that somebody asked for.
    public func wakeSchedulers() { doorbell.ring() }
}
