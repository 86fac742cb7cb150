internal import Glibc

/// Bytes in order of arrival, at most `capacity` of them; an empty queue uses no memory.
@safe final class ByteQueue {
    let capacity: Int
    // `capacity` bytes of our own, allocated with the first byte.
    private var storage: UnsafeMutableRawPointer?
    private var start = 0
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    deinit {
        unsafe storage?.deallocate()
    }

    var isEmpty: Bool { count == 0 }
    var room: Int { capacity - count }

    /// The bytes in the queue.
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: storage.map { unsafe $0 + start }, count: count)
    }

    /// Lets `body` append bytes; it gets all the room there is, and returns the number of bytes it added.
    @discardableResult
    func extend(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        let base = unsafe storage ?? .allocate(byteCount: capacity, alignment: 16)
        unsafe storage = base
        if start > 0 { unsafe memmove(base, base + start, count) }
        start = 0
        let added = unsafe body(UnsafeMutableRawBufferPointer(start: base + count, count: room))
        if added > 0 { count += min(added, room) }
        return added
    }

    /// Drops the first bytes; at most ``count``.
    func drop(_ number: Int) {
        precondition(number <= count, "only bytes in the queue can be dropped")
        start += number
        count -= number
        if count == 0 { clear() }
    }

    /// Drops everything, and frees the memory.
    func clear() {
        unsafe storage?.deallocate()
        unsafe (storage, start, count) = (nil, 0, 0)
    }
}

/// The result of a send or a receive.
enum IOResult: Equatable {
    case bytes(Int)
    /// The call would block.
    case wouldBlock
    /// The connection has ended or failed.
    case closed

    /// The result of the last system call of this thread.
    init(_ result: Int) {
        if result > 0 {
            self = .bytes(result)
        } else {
            self = result < 0 && (errno == EAGAIN || errno == EINTR) ? .wouldBlock : .closed
        }
    }
}

extension ByteQueue {
    /// Reads once from a socket, as much as there is room for.
    func read(from socket: Int32) -> IOResult {
        guard room > 0 else { return .wouldBlock }
        return unsafe IOResult(
            extend { buffer in unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) })
    }

    /// Writes to a socket until nothing is left or it would block; returns the number of bytes written.
    func write(to socket: Int32) -> IOResult {
        var sent = 0
        while !isEmpty {
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            let result = IOResult(unsafe send(socket, bytes.baseAddress, count, flags))
            guard case .bytes(let number) = result else { return result == .wouldBlock ? .bytes(sent) : .closed }
            drop(number)
            sent += number
        }
        return .bytes(sent)
    }
}
