import Failures

/// What an archive is called in messages, and the failures that every part of the reader throws.
struct ArchiveName: Sendable {
    let name: String

    /// The bytes are not what an archive must be.
    func damaged(_ why: String) -> Failure {
        Failure(
            .verificationFailed, "the archive \(name) is damaged or was tampered with", why: why,
            next: "Use another copy of this backup, or another backup.")
    }

    func cutOff(_ why: String) -> Failure {
        Failure(
            .verificationFailed, "the archive \(name) is cut off", why: why,
            next: "Copy it again from where it is whole, or use another backup.")
    }

    func foreign(_ why: String) -> Failure {
        Failure(
            .verificationFailed, "\(name) is not a daytwo archive", why: why, next: "Name a backup that daytwo wrote.")
    }

    func tooNew(_ part: String, version: String) -> Failure {
        Failure(
            .refused, "the archive \(name) needs a newer daytwo",
            why: "\(part) has format version \(version), this one reads up to \(FormatVersion.current)",
            next: "Install the current daytwo and try again.")
    }
}
