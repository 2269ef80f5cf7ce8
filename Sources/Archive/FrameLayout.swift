import Failures

/// How an archive is cut and compressed.
public struct ArchiveOptions: Sendable {
    /// The level of zstd.
    public var level: Int32
    /// Entries up to this many bytes share frames of up to this many.
    public var sharedFrameSize: Int
    /// Larger entries have frames of their own, cut at this many bytes.
    public var ownFrameSize: Int
    /// Whether zstd looks for matches far back in a frame.
    public var longDistanceMatching: Bool
    /// The binary logarithm of the size of zstd's table of matches; nil for the level's own.
    public var hashLog: Int32?

    /// What every backup is written with, unless somebody measures.
    public init(
        level: Int32 = 3, sharedFrameSize: Int = 1 << 20, ownFrameSize: Int = 8 << 20,
        longDistanceMatching: Bool = false, hashLog: Int32? = nil
    ) {
        self.level = level
        self.sharedFrameSize = sharedFrameSize
        self.ownFrameSize = ownFrameSize
        self.longDistanceMatching = longDistanceMatching
        self.hashLog = hashLog
    }

    func check() throws(Failure) {
        guard 1...Zstd.maxLevel ~= level, TarWalker.block...FrameLayout.largestFrame ~= sharedFrameSize,
            sharedFrameSize...FrameLayout.largestFrame ~= ownFrameSize
        else {
            throw Failure(
                .usage,
                "an archive cannot be written at level \(level) in frames of \(sharedFrameSize) and"
                    + " \(ownFrameSize) bytes",
                next: "Take a level from 1 to \(Zstd.maxLevel) and frames from 512 bytes to 64 MiB.")
        }
    }
}

/// Which bytes of the tar stream become which frame: a function of the lengths alone.
struct FrameLayout: Sendable {
    /// No writer makes, and no reader takes, a frame with more content than this.
    static let largestFrame = 64 << 20

    /// A stretch of the tar stream that is laid out as one: an entry with its header and its padding, or the end.
    struct Part {
        /// All its bytes.
        var length: UInt64
        /// The frames that its content is in already, in order.
        var finished: [FramedSource.Frame] = []
        /// The bytes that follow these frames: they get one of their own, for each frame begins with an entry or within one.
        var trailing = 0
    }

    /// A frame of the archive that is compressed already: the part that it belongs to, and its number in that.
    struct Finished {
        let part: Int
        let number: Int
    }

    /// The lengths of the frames' contents, in order.
    private(set) var frames: [Int] = []
    /// For each part, the frame in which it begins.
    private(set) var firstFrames: [Int] = []
    /// The frames that are compressed already.
    private(set) var finished: [Int: Finished] = [:]

    /// Lays out parts.
    init(parts: [Part], options: ArchiveOptions) {
        var shared = 0
        for (index, part) in parts.enumerated() {
            let own = part.finished.reduce(0) { $0 + UInt64($1.contentSize) }
            let length = part.length - own - UInt64(part.trailing)
            if length > UInt64(options.sharedFrameSize) {
                close(&shared)
                firstFrames.append(frames.count)
                var rest = length
                while rest > 0 {
                    let frame = Int(min(rest, UInt64(options.ownFrameSize)))
                    frames.append(frame)
                    rest -= UInt64(frame)
                }
            } else {
                if shared + Int(length) > options.sharedFrameSize { close(&shared) }
                firstFrames.append(frames.count)
                shared += Int(length)
            }
            if !part.finished.isEmpty { close(&shared) }
            for (number, frame) in part.finished.enumerated() {
                finished[frames.count] = Finished(part: index, number: number)
                frames.append(frame.contentSize)
            }
            close(part.trailing)
        }
        close(&shared)
    }

    private mutating func close(_ shared: inout Int) {
        close(shared)
        shared = 0
    }

    private mutating func close(_ length: Int) {
        if length > 0 { frames.append(length) }
    }
}
