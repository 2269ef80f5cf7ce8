import Failures

/// The unit file of the scheduler as a service.
struct SystemdUnit {
    /// The command, with absolute paths.
    let command: [String]
    /// The unit is for a user's own systemd.
    let isForUser: Bool

    /// The first line, by which a file is known to be ours.
    static let mark = "# Written by: daytwo schedule install --systemd"

    /// The unit's text (systemd.service(5)). The service reads and writes k3s data directories with their owners, so it
    /// keeps root's rights over files; everything else is taken from it.
    /// Workers outlive a stop (KillMode): a restore must not be cut off by a restart of the scheduler.
    func text() throws(Failure) -> String {
        var words: [String] = []
        for word in command { words.append(try Self.word(word)) }
        let hardening =
            isForUser
            ? ""
            : """

            NoNewPrivileges=yes
            PrivateTmp=yes
            ProtectKernelTunables=yes
            ProtectKernelModules=yes
            ProtectControlGroups=yes
            RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
            RestrictNamespaces=yes
            LockPersonality=yes
            """
        return """
            \(Self.mark)
            [Unit]
            Description=daytwo scheduler: backups, verification and retention of k3s datastores
            Documentation=man:daytwo(1)
            After=network-online.target
            Wants=network-online.target

            [Service]
            Type=notify
            NotifyAccess=main
            ExecStart=\(words.joined(separator: " "))
            WatchdogSec=120
            Restart=always
            RestartSec=5
            KillMode=process
            TimeoutStopSec=90
            UMask=0077\(hardening)

            [Install]
            WantedBy=\(isForUser ? "default.target" : "multi-user.target")

            """
    }

    /// One word of ExecStart: quoted, with systemd's own signs doubled (systemd.service(5), "COMMAND LINES").
    private static func word(_ text: String) throws(Failure) -> String {
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Failure(
                .usage, "\(text.debugDescription) cannot stand in a unit", why: "it holds a control character")
        }
        var quoted = ""
        for character in text {
            switch character {
            case "\\", "\"": quoted += "\\\(character)"
            case "%", "$": quoted += "\(character)\(character)"
            default: quoted.append(character)
            }
        }
        return quoted.contains(where: { " '\";".contains($0) }) || quoted.isEmpty ? "\"\(quoted)\"" : quoted
    }
}
