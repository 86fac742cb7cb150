internal import Glibc
internal import Linux
internal import SystemPackage

/// The standard input of this process.
enum StandardInput {
    /// Opens a second descriptor of the same stream.
    static func open() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try system("read standard input") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
    }
}
