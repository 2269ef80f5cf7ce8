/// What is started: no shell, no search in `PATH`, no variable but those named.
public struct ProcessCommand: Sendable, Equatable {
    /// The absolute path of the program.
    public var executable: String
    /// Its arguments, without the name of the program. Everybody on the machine can read them: no secrets.
    public var arguments: [String]
    /// All the variables that it gets.
    public var environment: [String: String]
    /// Where it starts; nil for where we are.
    public var directory: String?

    /// The least that programs count on.
    public static let plainEnvironment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
    ]

    /// Creates a command.
    public init(
        _ executable: String, _ arguments: [String] = [],
        environment: [String: String] = ProcessCommand.plainEnvironment, directory: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}

/// How a process ended.
public enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
    /// By itself, with an exit status.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)

    /// For a person: `exit status 3`, `signal 9`.
    public var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signalled(let number): "signal \(number)"
        }
    }
}
