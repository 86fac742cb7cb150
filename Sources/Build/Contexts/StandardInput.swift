internal import Glibc
internal import Linux
internal import SystemPackage

/// What this process was given to read.
enum StandardInput {
    /// A descriptor of its own for the same stream.
    static func open() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try system("read standard input") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
    }
}
