internal import CKVM
internal import Glibc

/// One side of a request: pieces of guest memory, in order, that were checked to be memory.
///
/// Valid until the queue that they came from returns the next chain. The guest may change the bytes at any time.
@safe struct Segments {
    private var pieces: UnsafeMutableBufferPointer<iovec>.SubSequence
    private(set) var byteCount: Int

    init(_ pieces: UnsafeMutableBufferPointer<iovec>.SubSequence, byteCount: Int) {
        unsafe self.pieces = unsafe pieces
        self.byteCount = byteCount
    }

    /// The pieces as an `iovec` array for system calls.
    var vector: UnsafeMutableBufferPointer<iovec> { unsafe UnsafeMutableBufferPointer(rebasing: pieces) }

    /// Copies the first bytes out and drops them; does nothing and returns false if there are fewer.
    mutating func take(_ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        unsafe transfer(buffer.count) { piece, offset, count in
            guard let base = buffer.baseAddress else { return }
            unsafe ckvm_copy(base + offset, piece, count)
        }
    }

    /// Overwrites the first bytes and drops them; does nothing and returns false if there are fewer.
    mutating func fill(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe transfer(bytes.count) { piece, offset, count in
            guard let base = bytes.baseAddress else { return }
            unsafe ckvm_copy(piece, base + offset, count)
        }
    }

    /// Drops the first bytes; false if there are fewer.
    mutating func drop(_ count: Int) -> Bool {
        unsafe transfer(count) { _, _, _ in }
    }

    /// Removes the last byte, and returns its address.
    mutating func takeLast() -> UnsafeMutableRawPointer? {
        guard byteCount > 0 else { return nil }
        let last = unsafe pieces.endIndex - 1
        byteCount -= 1
        unsafe pieces[last].iov_len -= 1
        let place = unsafe pieces[last].iov_base.map { unsafe $0 + pieces[last].iov_len }
        if unsafe pieces[last].iov_len == 0 { unsafe pieces = unsafe pieces.dropLast() }
        return unsafe place
    }

    /// Keeps at most the first `count` bytes.
    mutating func limit(to count: Int) {
        guard count < byteCount else { return }
        var excess = byteCount - count
        byteCount = count
        while excess > 0 {
            let last = unsafe pieces.endIndex - 1
            let part = unsafe min(excess, pieces[last].iov_len)
            unsafe pieces[last].iov_len -= part
            excess -= part
            if unsafe pieces[last].iov_len == 0 { unsafe pieces = unsafe pieces.dropLast() }
        }
    }

    private mutating func transfer(_ count: Int, _ move: (UnsafeMutableRawPointer, Int, Int) -> Void) -> Bool {
        guard count <= byteCount else { return false }
        var done = 0
        while done < count {
            let first = unsafe pieces.startIndex
            let part = unsafe min(count - done, pieces[first].iov_len)
            guard let base = unsafe pieces[first].iov_base else { return false }
            unsafe move(base, done, part)
            unsafe pieces[first].iov_base = unsafe base + part
            unsafe pieces[first].iov_len -= part
            done += part
            if unsafe pieces[first].iov_len == 0 { unsafe pieces = unsafe pieces.dropFirst() }
        }
        byteCount -= count
        return true
    }
}
