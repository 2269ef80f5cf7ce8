public import FoundationEssentials

/// What jobs need from outside: the wall clock, chance, and who and what this process is.
public struct JobContext: Sendable {
    /// The wall clock.
    public var now: @Sendable () -> Date
    /// A random number from 0 up to, not including, 1.
    public var chance: @Sendable () -> Double
    /// This process.
    public var process: ProcessIdentity
    /// Who acts, for the audit log.
    public var actor: Actor
    /// How long a failed attempt waits before the next.
    public var backoff: Backoff

    /// Creates a context.
    public init(
        now: @escaping @Sendable () -> Date, chance: @escaping @Sendable () -> Double, process: ProcessIdentity,
        actor: Actor, backoff: Backoff = Backoff()
    ) {
        self.now = now
        self.chance = chance
        self.process = process
        self.actor = actor
        self.backoff = backoff
    }
}

/// A process, so that a person can find it. Whether it lives is asked of the kernel, by its lease, never of this text.
public struct ProcessIdentity: Sendable, Equatable {
    /// The process id.
    public var pid: Int32
    /// The machine's host name.
    public var host: String
    /// The machine's boot id (`/proc/sys/kernel/random/boot_id`).
    public var bootID: String

    /// Creates an identity.
    public init(pid: Int32, host: String, bootID: String) {
        self.pid = pid
        self.host = host
        self.bootID = bootID
    }

    /// `pid 4711 on node1 (boot 5f3c2a10)`.
    public var description: String { "pid \(pid) on \(host) (boot \(bootID.prefix(8)))" }
}

/// Who does something, as the audit log keeps it.
public struct Actor: Sendable, Equatable {
    /// The user name.
    public var user: String
    /// The numeric user id.
    public var uid: UInt32
    /// From where: a terminal, `cron`, `scheduler`.
    public var origin: String

    /// Creates an actor.
    public init(user: String, uid: UInt32, origin: String) {
        self.user = user
        self.uid = uid
        self.origin = origin
    }
}
