/// What a job does.
public enum JobKind: String, Sendable, CaseIterable, Codable {
    /// Makes a backup.
    case backup
    /// Proves that a backup is good.
    case verify
    /// Restores the newest backup into a scratch directory, compares, and removes it.
    case drill
    /// Removes the backups that retention no longer keeps.
    case prune
    /// Deletes a named backup.
    case delete
    /// Pins or unpins a backup.
    case pin
    /// Replaces the data of a cluster by a backup, finishes or undoes that.
    case restore
    /// Brings a cluster to another version of k3s.
    case upgrade
    /// Stops the control plane of a cluster.
    case pause
    /// Starts it again.
    case resume

    /// Whether it may be run again by itself when its process died: it changes no cluster, or nothing twice.
    public var mayBeRepeated: Bool {
        switch self {
        case .backup, .verify, .drill, .prune, .delete, .pin: true
        // A cluster that somebody has started since must not be stopped by what was asked before.
        case .restore, .upgrade, .pause, .resume: false
        }
    }
}
