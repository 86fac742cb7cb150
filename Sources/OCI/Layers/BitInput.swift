/// The bits of a byte source, each byte's lowest first (RFC 1951 section 3.1.1).
///
/// ```
/// buffer: taken | in `cursor.bits` | cursor.next ... | end   at least `margin` bytes, of zero after the source's end
/// ```
/// From `cursor.next` up to `lastLoad` the loads of one iteration remain within the buffer. ``isOverrun`` is true after
/// bits were taken from the zeros after the end.
@safe final class BitInput {
    /// The position in the stream.
    ///
    /// `bits` has `count` bits that were loaded and not taken. Above them it has zeros, or the same bits as the next
    /// load.
    struct Cursor {
        var bits: UInt64 = 0
        var count = 0
        var next = 0
    }

    /// More bytes than a reader takes between two calls of ``prepare()``.
    static let margin = 64
    private static let capacity = 128 << 10

    var cursor = Cursor()
    let buffer: UnsafeMutablePointer<UInt8>
    private(set) var end = 0
    /// The number of the source's bytes before the buffer.
    private var base: Int64 = 0
    private let source: any ByteSource
    private var chunk: ArraySlice<UInt8> = []
    private var isDrained = false

    init(_ source: any ByteSource) {
        self.source = source
        unsafe buffer = .allocate(capacity: Self.capacity + Self.margin)
        unsafe buffer.initialize(repeating: 0, count: Self.capacity + Self.margin)
    }

    deinit { unsafe buffer.deallocate() }

    /// The last cursor position from which bits can be taken without another ``prepare()``.
    ///
    /// After the end of the source it is the farthest that a load can be ahead of the last valid bit. A cursor beyond
    /// it is overrun.
    var lastLoad: Int { isDrained ? end + 8 : end - Self.margin }
    /// The number of the source's bytes that were taken; a byte counts with its last bit.
    var position: Int64 { base + Int64(cursor.next - cursor.count / 8) }
    /// True if more bits were taken than the source has.
    var isOverrun: Bool { cursor.next - cursor.count / 8 > end }

    /// Loads at least ``margin`` bytes into the buffer, or all that remain.
    func prepare() throws {
        guard cursor.next > lastLoad, !isDrained else { return }
        unload()
        let rest = end - cursor.next
        unsafe buffer.update(from: buffer + cursor.next, count: rest)
        base += Int64(cursor.next)
        (cursor.next, end) = (0, rest)
        // Twice the margin, so that a reader that first loads and then checks its position makes progress.
        while end < 2 * Self.margin {
            if chunk.isEmpty { chunk = try source.next()[...] }
            if chunk.isEmpty { return drain() }
            let part = chunk.prefix(Self.capacity - end)
            unsafe part.withUnsafeBufferPointer { bytes in
                if let first = bytes.baseAddress { unsafe (buffer + end).update(from: first, count: bytes.count) }
            }
            end += part.count
            chunk = chunk.dropFirst(part.count)
        }
    }

    /// Returns the whole bytes that were loaded and not taken to the buffer.
    private func unload() {
        cursor.next -= cursor.count / 8
        cursor.count %= 8
        cursor.bits &= 1 << UInt64(cursor.count) - 1
    }

    private func drain() {
        isDrained = true
        unsafe (buffer + end).update(repeating: 0, count: Self.margin)
    }
}

extension BitInput {
    /// Takes the next `count` bits, at most 16.
    ///
    /// - Throws: ``Inflater/Fault/isTruncated`` after the end.
    func take(_ count: Int) throws -> Int {
        try load()
        let value = cursor.bits & (1 << UInt64(count) - 1)
        drop(count)
        if isOverrun { throw Inflater.InflateFault.isTruncated }
        return Int(value)
    }

    /// Takes a symbol of a code without second tables and extra bits; nil if the bits are no symbol.
    func take(_ code: HuffmanTable) throws -> Int? {
        try load()
        let entry = code.entries[Int(cursor.bits & (1 << UInt64(code.root) - 1))]
        guard entry & HuffmanTable.isSpecial == 0 else { return nil }
        drop(Int(entry & 0xFF))
        if isOverrun { throw Inflater.InflateFault.isTruncated }
        return Int(entry >> 16)
    }

    private func load() throws {
        try prepare()
        while cursor.count < 16 {
            cursor.bits |= UInt64(unsafe buffer[cursor.next]) << UInt64(cursor.count)
            cursor.next += 1
            cursor.count += 8
        }
    }

    private func drop(_ count: Int) {
        cursor.bits >>= UInt64(count)
        cursor.count -= count
    }

    /// Skips to the next whole byte.
    func align() {
        unload()
        (cursor.bits, cursor.count) = (0, 0)
    }

    /// Takes whole bytes, as many as are ready and fit; 0 only at the end.
    func takeBytes(_ target: UnsafeMutableBufferPointer<UInt8>) throws -> Int {
        try prepare()
        let count = max(min(target.count, end - cursor.next), 0)
        if let first = target.baseAddress { unsafe first.update(from: buffer + cursor.next, count: count) }
        cursor.next += count
        return count
    }

    /// Takes one whole byte; nil at the end.
    func takeByte() throws -> UInt8? {
        try prepare()
        guard cursor.next < end else { return nil }
        defer { cursor.next += 1 }
        return unsafe buffer[cursor.next]
    }
}
