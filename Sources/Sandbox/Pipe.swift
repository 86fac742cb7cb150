// Pipes between a container and its thread.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A pipe with a non-blocking reading end.
struct Pipe: ~Copyable {
    /// The reading end.
    let end: OwnedDescriptor
    /// The writing end.
    let start: OwnedDescriptor

    init(isNonBlocking: Bool = false) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        let (readable, writable) = (ends[0], ends[1])
        end = OwnedDescriptor(owning: readable)
        start = OwnedDescriptor(owning: writable)
        // Setting a flag of a pipe that was just made cannot fail.
        _ = fcntl(readable, F_SETFL, O_NONBLOCK)
        if isNonBlocking { _ = fcntl(writable, F_SETFL, O_NONBLOCK) }
    }

    /// Closes the writing end and returns the reading end.
    consuming func readingEnd() -> OwnedDescriptor {
        end
    }

    /// Reads all bytes that are available now.
    static func drain(_ end: borrowing OwnedDescriptor) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        while let chunk = try available(end, 1 << 16), !chunk.isEmpty { result += chunk }
        return result
    }

    /// Passes on the bytes of both streams until the process behind `pidfd` has ended and they are empty.
    ///
    /// A stream that a process outside the container still holds open is not waited for.
    static func forward(
        _ output: borrowing OwnedDescriptor, error: borrowing OwnedDescriptor, until pidfd: borrowing OwnedDescriptor,
        receive: Container.OutputHandler
    ) throws(SystemError) {
        var waits = [output.rawValue, error.rawValue, pidfd.rawValue].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while waits[2].revents == 0 {
            try system("wait for output") { unsafe poll(&waits, 3, -1) }
            let hasEnded = waits[2].revents != 0
            for (index, stream) in [OutputStream.output, .error].enumerated() {
                guard waits[index].revents != 0 || hasEnded, waits[index].fd >= 0 else { continue }
                let end = index == 0 ? output.rawValue : error.rawValue
                if try isFinished(end, stream: stream, all: hasEnded, receive: receive) { waits[index].fd = -1 }
            }
        }
    }

    /// Passes on one chunk, or all available bytes; true at the end of the stream.
    private static func isFinished(
        _ end: Int32, stream: OutputStream, all: Bool, receive: Container.OutputHandler
    ) throws(SystemError) -> Bool {
        repeat {
            guard let chunk = try available(end, 1 << 16) else { return false }
            if chunk.isEmpty { return true }
            unsafe receive(stream, chunk.span.bytes)
        } while all
        return false
    }

    private static func available(_ end: borrowing OwnedDescriptor, _ limit: Int) throws(SystemError) -> [UInt8]? {
        try available(end.rawValue, limit)
    }

    /// Reads without waiting: nil if no bytes are available, an empty array at the end.
    private static func available(_ end: Int32, _ limit: Int) throws(SystemError) -> [UInt8]? {
        var code: Int32 = 0
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            let result = unsafe read(end, buffer.baseAddress, limit)
            code = result < 0 ? Glibc.errno : 0
            count = max(result, 0)
        }
        if code == 0 { return chunk }
        if code == EAGAIN || code == EINTR { return nil }
        throw SystemError("read output", nil, Errno(rawValue: code))
    }
}
