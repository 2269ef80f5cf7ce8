internal import Glibc

/// Connects a socket to an address of any family, and gives it; closes it where that fails, and gives -1.
func connect<Address>(socket raw: Int32, to address: Address) -> Int32 {
    guard raw >= 0 else { return -1 }
    let result = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(raw, $0, socklen_t(MemoryLayout<Address>.size))
        }
    }
    guard result == 0 else {
        close(raw)
        return -1
    }
    return raw
}
