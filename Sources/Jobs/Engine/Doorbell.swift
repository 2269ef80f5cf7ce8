import Glibc

/// Rings at the file `STATE/doorbell`: a scheduler in another process, which sleeps, hears it at once.
struct Doorbell: Sendable {
    let path: String

    init(stateDirectory: String) { path = stateDirectory + "/doorbell" }

    /// Wakes the schedulers that listen. Nothing depends on it but how soon they look.
    func ring() { _ = utimensat(AT_FDCWD, path, nil, 0) }
}
