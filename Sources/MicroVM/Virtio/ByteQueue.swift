internal import Glibc

/// Bytes that wait, in the order they came, and no more than `capacity` of them; empty it costs no memory.
@safe final class ByteQueue {
    let capacity: Int
    // `capacity` bytes of our own, once there was one to keep.
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

    /// The bytes that wait.
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: storage.map { unsafe $0 + start }, count: count)
    }

    /// Lets `body` put bytes behind the last one; it has all the room there is, and gives how many it put.
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

    /// Drops the first bytes, of which there are so many.
    func drop(_ number: Int) {
        precondition(number <= count, "what is dropped was there")
        start += number
        count -= number
        if count == 0 { clear() }
    }

    /// Drops everything, and the memory.
    func clear() {
        unsafe storage?.deallocate()
        unsafe (storage, start, count) = (nil, 0, 0)
    }
}

/// What became of bytes that were sent or read.
enum Transfer: Equatable {
    case bytes(Int)
    /// The other side has to do something first.
    case later
    /// There will never be anything more.
    case end

    /// The outcome of the call that this thread made last.
    init(_ result: Int) {
        if result > 0 {
            self = .bytes(result)
        } else {
            self = result < 0 && (errno == EAGAIN || errno == EINTR) ? .later : .end
        }
    }
}

extension ByteQueue {
    /// Reads once from a socket, as much as there is room for.
    func read(from socket: Int32) -> Transfer {
        guard room > 0 else { return .later }
        return unsafe Transfer(
            extend { buffer in unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) })
    }

    /// Writes to a socket until nothing is left or it takes no more; gives how many bytes went.
    func write(to socket: Int32) -> Transfer {
        var sent = 0
        while !isEmpty {
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            let result = Transfer(unsafe send(socket, bytes.baseAddress, count, flags))
            guard case .bytes(let number) = result else { return result == .later ? .bytes(sent) : .end }
            drop(number)
            sent += number
        }
        return .bytes(sent)
    }
}
