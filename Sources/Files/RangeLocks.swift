import CLinux
public import Failures
import Glibc

extension FileDescriptor {
    /// Takes a lock on a range of bytes, as SQLite and others use them, bound to this open file; false when
    /// somebody holds one that conflicts.
    public func lockRange(exclusive: Bool, from start: Int64, length: Int64) throws(Failure) -> Bool {
        guard daytwo_lock_range(raw, Int16(exclusive ? F_WRLCK : F_RDLCK), start, length) != 0 else { return true }
        if errno == EAGAIN || errno == EACCES { return false }
        throw Failure.system("lock", path, errno)
    }

    /// Who holds a lock that conflicts with one on this range: nil for nobody, else the process, which itself
    /// is nil where the kernel does not tell it (another container, a lock bound to an open file).
    public func lockHolder(exclusive: Bool, from start: Int64, length: Int64) throws(Failure) -> Int32?? {
        let holder = daytwo_lock_holder(raw, Int16(exclusive ? F_WRLCK : F_RDLCK), start, length)
        switch holder {
        case 0: return .none
        case -2: throw Failure.system("ask for the locks of", path, errno)
        case -1: return .some(nil)
        default: return .some(Int32(clamping: holder))
        }
    }
}
