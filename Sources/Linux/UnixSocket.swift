// UNIX stream sockets, addressed by path.

internal import CLinux
internal import Glibc
public import SystemPackage

/// Connections to local processes by path.
public enum UnixSocket {
    /// Connects to the socket at `path`, which may have at most 107 bytes.
    public static func connect(to path: FilePath) throws(SystemError) -> OwnedDescriptor {
        let number = try system("connect", path) { unsafe path.withPlatformString { unsafe clinux_unix_connect($0) } }
        return OwnedDescriptor(owning: number)
    }

    /// Listens at the new name `name` in a directory, whose path may have any length.
    public static func listen(in directory: Directory, as name: FilePath) throws(SystemError) -> OwnedDescriptor {
        let path = FilePath("/proc/self/fd/\(directory.descriptor.rawValue)").appending(name.components)
        let number = try system("listen", path) { unsafe path.withPlatformString { unsafe clinux_unix_listen($0) } }
        return OwnedDescriptor(owning: number)
    }

    /// Waits for the next peer; nil after ``stopListening(_:)``.
    public static func accept(_ listener: borrowing OwnedDescriptor) -> OwnedDescriptor? {
        while true {
            let number = clinux_accept(listener.rawValue)
            if number >= 0 { return OwnedDescriptor(owning: number) }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    /// Ends a call of ``accept(_:)`` that waits in another thread.
    public static func stopListening(_ listener: borrowing OwnedDescriptor) {
        shutdown(listener.rawValue, Int32(SHUT_RDWR))
    }

    /// Copies bytes in both directions until both sides have closed.
    ///
    /// Blocks the thread.
    public static func relay(_ left: borrowing OwnedDescriptor, _ right: borrowing OwnedDescriptor) {
        let numbers = [left.rawValue, right.rawValue]
        var waits = numbers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while waits.contains(where: { $0.fd >= 0 }) {
            guard unsafe poll(&waits, 2, -1) >= 0 || errno == EINTR else { return }
            for index in 0..<2 where waits[index].revents != 0 && waits[index].fd >= 0 {
                guard pass(from: numbers[index], to: numbers[1 - index]) else {
                    waits[index].fd = -1
                    shutdown(numbers[1 - index], Int32(SHUT_WR))
                    continue
                }
            }
        }
    }

    private static func pass(from source: Int32, to target: Int32) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { buffer in
            let count = unsafe read(source, buffer.baseAddress, buffer.count)
            guard count > 0 else { return count < 0 && errno == EINTR }
            var sent = 0
            while sent < count {
                let result = unsafe send(
                    target, buffer.baseAddress.map { unsafe $0 + sent }, count - sent, Int32(MSG_NOSIGNAL))
                guard result > 0 else { return false }
                sent += result
            }
            return true
        }
    }
}
