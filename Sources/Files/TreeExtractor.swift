public import Failures
import Glibc
import Synchronization

/// Creates files below one directory from a description that may be hostile.
///
/// No link is followed in any part of a path, no existing file is opened or replaced, nothing but regular files,
/// directories and inner symbolic links is made. Files are 0600 until they are complete; directories get their
/// metadata in ``finish(synchronizing:)``, the deepest first, because writing into them changes their time.
/// One thread at a time works with it.
public final class TreeExtractor: ByteSink {
    private let root: FileDescriptor
    private let owner: OwnerRule
    private let keepsPrivilegeBits: Bool
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var file: OpenedFile?
        var directories: [TreePath: FileMetadata] = [:]
        /// Files that their owner will not be able to open: they must be made durable before.
        var unreadable: [TreePath: FileMetadata] = [:]
        var parent: ParentDirectory?
    }

    private struct OpenedFile: ~Copyable {
        let descriptor: FileDescriptor
        let path: TreePath
        let size: UInt64
        var written: UInt64 = 0
        var writtenBack: UInt64 = 0
    }

    /// The directory of the entry before: archives list a directory's files one after another.
    private final class ParentDirectory: Sendable {
        let components: [String]
        let descriptor: FileDescriptor
        init(_ components: [String], _ descriptor: consuming FileDescriptor) {
            self.components = components
            self.descriptor = descriptor
        }
    }

    /// Works below an existing directory. setuid and setgid of files are dropped unless `keepsPrivilegeBits`;
    /// directories keep setgid.
    public init(
        root: String, owner: OwnerRule = .required, keepsPrivilegeBits: Bool = false
    ) throws(Failure) {
        self.root = try FileDescriptor(opening: root, O_DIRECTORY)
        self.owner = owner
        self.keepsPrivilegeBits = keepsPrivilegeBits
    }

    /// Makes a directory; its metadata is set at the end. The same path twice is refused.
    public func directory(_ path: String, _ metadata: FileMetadata) throws(Failure) {
        let path = try TreePath(path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path)
        try state.withLock { state throws(Failure) in
            try requireNoOpenFile(state)
            guard state.directories[path] == nil else {
                throw Failure(.refused, "the directory \(path.string) comes twice")
            }
            _ = try parent(path.components, &state)
            state.directories[path] = metadata
        }
    }

    /// Makes a symbolic link that is relative and stays inside.
    public func symbolicLink(_ path: String, to target: String, _ metadata: FileMetadata) throws(Failure) {
        let path = try TreePath(path)
        try path.checkLink(to: target)
        try state.withLock { state throws(Failure) in
            try requireNoOpenFile(state)
            let (above, name) = try parentAndName(path, &state)
            let raw = above.descriptor.raw
            let shown = joinPath(above.descriptor.path, name)
            try systemCall("create the link", shown) { symlinkat(target, raw, name) }
            _ = try setLinkMetadata(name, in: above.descriptor, metadata, owner: owner)
        }
    }

    /// Makes a new file of `size` bytes; ``write(_:)`` fills it and ``end(_:)`` completes it.
    public func begin(file path: String, size: UInt64) throws(Failure) {
        let path = try TreePath(path)
        try state.withLock { state throws(Failure) in
            try requireNoOpenFile(state)
            let (above, name) = try parentAndName(path, &state)
            let file = try FileDescriptor(
                opening: name, in: above.descriptor, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            state.file = OpenedFile(descriptor: file, path: path, size: size)
        }
    }

    /// Adds bytes to the file begun last; more than its size is refused.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard var file = state.file.take() else { throw Failure(.failed, "bytes came outside of any file") }
            guard UInt64(bytes.count) <= file.size - file.written else {
                throw Failure(.refused, "\(file.path.string) holds more than the \(file.size) bytes that it announced")
            }
            try file.descriptor.append(bytes)
            file.written += UInt64(bytes.count)
            if file.written - file.writtenBack >= 8 << 20 {
                try file.descriptor.startWriteBack(at: file.writtenBack, length: file.written - file.writtenBack)
                file.writtenBack = file.written
            }
            state.file = consume file
        }
    }

    /// Completes the file: its size must be reached; then owner, mode and time are set.
    public func end(_ metadata: FileMetadata) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard let file = state.file.take() else { throw Failure(.failed, "no file was begun") }
            guard file.written == file.size else {
                throw Failure(
                    .refused, "\(file.path.string) has \(file.written) bytes instead of the announced \(file.size)")
            }
            var metadata = metadata
            if !keepsPrivilegeBits { metadata.mode = metadata.mode.map { $0 & 0o1777 } }
            if let mode = metadata.mode, mode & 0o400 == 0 {
                state.unreadable[file.path] = metadata
            } else {
                try file.descriptor.setMetadata(metadata, owner: owner)
            }
            try file.descriptor.startWriteBack(at: file.writtenBack, length: file.written - file.writtenBack)
        }
    }

    /// Sets the metadata of all directories and, unless told not to, makes the whole tree durable.
    public func finish(synchronizing: Bool = true) throws(Failure) {
        try state.withLock { state throws(Failure) in
            try requireNoOpenFile(state)
            state.parent = nil
            // Durable first: afterwards a directory may have lost the right to be read or entered.
            if synchronizing { try synchronizeTree(root.path) }
            for (path, metadata) in state.unreadable {
                let file = try FileDescriptor(openingBeneath: path.string, in: root)
                try file.setMetadata(metadata, owner: owner)
                if synchronizing { try file.synchronize() }
            }
            let deepestFirst = state.directories.sorted { $0.key.components.count > $1.key.components.count }
            for (path, metadata) in deepestFirst {
                var metadata = metadata
                if !keepsPrivilegeBits { metadata.mode = metadata.mode.map { $0 & 0o3777 } }
                let directory = try FileDescriptor(openingBeneath: path.string, in: root, O_DIRECTORY)
                try directory.setMetadata(metadata, owner: owner)
                if synchronizing { try directory.synchronizeNames() }
            }
        }
    }

    private func requireNoOpenFile(_ state: borrowing State) throws(Failure) {
        if state.file != nil { throw Failure(.failed, "the file before was not ended") }
    }

    private func parentAndName(
        _ path: TreePath, _ state: inout State
    ) throws(Failure) -> (ParentDirectory, String) {
        let name = path.components[path.components.count - 1]
        return (try parent(Array(path.components.dropLast()), &state), name)
    }

    /// The directory at `components`, made where it is missing; each step is taken without following a link.
    private func parent(_ components: [String], _ state: inout State) throws(Failure) -> ParentDirectory {
        if let parent = state.parent, parent.components == components { return parent }
        var current = try FileDescriptor(openingBeneath: ".", in: root, O_DIRECTORY)
        for name in components {
            let raw = current.raw
            let number = errorNumber { mkdirat(raw, name, 0o700) }
            let shown = joinPath(current.path, name)
            guard number == 0 || number == EEXIST else { throw Failure.system("create directory", shown, number) }
            do throws(Failure) {
                current = try FileDescriptor(openingBeneath: name, in: current, O_DIRECTORY)
            } catch {
                guard error.systemError == ENOTDIR || error.systemError == ELOOP else { throw error }
                throw Failure(
                    .refused, "cannot create files below \(shown)", why: "it is a file or a symbolic link",
                    cause: error)
            }
        }
        let parent = ParentDirectory(components, current)
        state.parent = parent
        return parent
    }
}
