/// A decoder of a DEFLATE stream (RFC 1951) that returns its output in chunks and has its own window.
///
/// It is our own because a layer of another program is one gzip member. libdeflate could inflate it only as a whole,
/// and zlib takes twice as long. Streams that zlib refuses are refused here too.
/// ```
/// window: at least 32 KiB of returned output | the next chunk ... | room for the end of one repetition
/// ```
@safe final class Inflater {
    /// The stream is not DEFLATE, or it is incomplete.
    enum InflateFault: Error { case isCorrupt, isTruncated }

    private static let history = 32 << 10
    private static let chunk = 256 << 10

    private let input: BitInput
    private let window: UnsafeMutablePointer<UInt8>
    /// The end of the returned output; the decoded output ends at `filled`.
    ///
    /// The stream began at `floor`, or before the window.
    private var given = 0
    private var filled = 0
    private var floor = 0
    private var block: DeflateBlock?
    private var isLast = false

    init(_ input: BitInput) {
        self.input = input
        let capacity = Self.history + Self.chunk + InflateLoop.slack
        unsafe window = .allocate(capacity: capacity)
        unsafe window.initialize(repeating: 0, count: capacity)
    }

    deinit { unsafe window.deallocate() }

    /// Begins another stream at the input's position.
    func restart() {
        (block, isLast, floor) = (nil, false, filled)
    }

    /// Returns the next chunk; it is empty at the stream's end, and the input is then at the next whole byte.
    func next() throws -> [UInt8] {
        slide()
        while filled < Self.history + Self.chunk, try proceed() {}
        // Output from bits after the end is never returned.
        if input.isOverrun { throw InflateFault.isTruncated }
        defer { given = filled }
        return unsafe Array(UnsafeBufferPointer(start: window + given, count: filled - given))
    }

    /// Makes room for a chunk, and keeps the bytes that repetitions may refer to.
    private func slide() {
        guard filled > Self.history else { return }
        let distance = filled - Self.history
        unsafe window.update(from: window + distance, count: Self.history)
        floor = max(floor - distance, 0)
        filled = Self.history
        given = filled
    }

    /// Decodes as far as possible at once; false at the stream's end.
    private func proceed() throws -> Bool {
        switch block {
        case nil:
            if isLast {
                input.align()
                return false
            }
            isLast = try input.take(1) == 1
            block = try DeflateBlock(input)
        case .stored(let left): try copyStored(left)
        case .coded(let literals, let distances): try decode(literals, distances)
        }
        return true
    }

    private func copyStored(_ left: Int) throws {
        guard left > 0 else {
            block = nil
            return
        }
        input.align()
        let count = min(left, Self.history + Self.chunk - filled)
        let done = unsafe try input.takeBytes(UnsafeMutableBufferPointer(start: window + filled, count: count))
        guard done > 0 else { throw InflateFault.isTruncated }
        filled += done
        block = .stored(left: left - done)
    }

    private func decode(_ literals: HuffmanTable, _ distances: HuffmanTable) throws {
        try input.prepare()
        let pause = unsafe literals.entries.withUnsafeBufferPointer { literals in
            unsafe distances.entries.withUnsafeBufferPointer { unsafe loop(literals, $0) }
        }
        if input.isOverrun { throw InflateFault.isTruncated }
        switch pause {
        case .inputIsLow, .windowIsFull: break
        case .blockEnded: block = nil
        case .isCorrupt: throw InflateFault.isCorrupt
        }
    }

    /// Runs the loop over whole tables and a prepared input.
    ///
    /// The window has `slack` bytes after the chunk's end.
    private func loop(
        _ literals: UnsafeBufferPointer<UInt32>, _ distances: UnsafeBufferPointer<UInt32>
    ) -> InflateLoop.Pause {
        var loop = unsafe InflateLoop(
            input, literals: literals.baseAddress.unsafelyUnwrapped,
            distances: distances.baseAddress.unsafelyUnwrapped,
            floor: window + floor, out: window + filled, limit: window + Self.history + Self.chunk)
        defer {
            input.cursor = loop.cursor
            unsafe filled = loop.out - window
        }
        return loop.run()
    }
}
