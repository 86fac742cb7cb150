/// Inflates a DEFLATE stream (RFC 1951), a chunk of output at a time and with a window of its own.
///
/// Ours because layers from elsewhere are one gzip member each, which libdeflate could only inflate as a whole, and zlib
/// takes twice as long for. What zlib refuses is refused here too.
///
/// ```
/// window: at least 32 KiB of what was given out | the next chunk ... | room for what one repetition may run over
/// ```
@safe final class Inflater {
    /// How many bits index the first tables: as many as keep them in the processor's nearest cache.
    static let literalRoot = 11
    static let distanceRoot = 8

    /// The stream is no DEFLATE stream, or ends in the middle.
    enum Fault: Error { case isCorrupt, isTruncated }

    private enum Block {
        case none
        case stored(left: Int)
        case coded(literals: HuffmanTable, distances: HuffmanTable)
    }

    private enum Pause { case inputIsLow, windowIsFull, blockEnded, isCorrupt }

    private static let history = 32 << 10
    private static let chunk = 256 << 10
    /// Three literals and a repetition of 258 bytes, which is copied in pieces of 16.
    private static let slack = 6 + 258 + 16

    private let input: BitInput
    private let window: UnsafeMutablePointer<UInt8>
    /// What was given out ends here, what is ready at `filled`; the stream began at `floor`, or further back.
    private var given = 0
    private var filled = 0
    private var floor = 0
    private var block = Block.none
    private var isLast = false

    init(_ input: BitInput) {
        self.input = input
        let capacity = Self.history + Self.chunk + Self.slack
        unsafe window = .allocate(capacity: capacity)
        unsafe window.initialize(repeating: 0, count: capacity)
    }

    deinit { unsafe window.deallocate() }

    /// Begins another stream where the input stands.
    func restart() {
        (block, isLast, floor) = (.none, false, filled)
    }

    /// The next chunk; empty at the stream's end, after which the input stands at the next whole byte.
    func next() throws -> [UInt8] {
        slide()
        while filled < Self.history + Self.chunk, try proceed() {}
        // What was made of bits behind the end is given to nobody.
        if input.isOverrun { throw Fault.isTruncated }
        defer { given = filled }
        return unsafe Array(UnsafeBufferPointer(start: window + given, count: filled - given))
    }

    /// Goes on as far as is possible at once; false at the stream's end.
    private func proceed() throws -> Bool {
        switch block {
        case .none:
            if isLast {
                input.align()
                return false
            }
            try startBlock()
        case .stored(let left): try copyStored(left)
        case .coded(let literals, let distances):
            try input.prepare()
            switch decode(literals, distances) {
            case .inputIsLow, .windowIsFull: break
            case .blockEnded: block = .none
            case .isCorrupt: throw input.isOverrun ? Fault.isTruncated : Fault.isCorrupt
            }
            if input.isOverrun { throw Fault.isTruncated }
        }
        return true
    }

    /// Makes room for a chunk, keeping what repetitions may go back to.
    private func slide() {
        guard filled > Self.history else { return }
        let distance = filled - Self.history
        unsafe window.update(from: window + distance, count: Self.history)
        floor = max(floor - distance, 0)
        filled = Self.history
        given = filled
    }
}

// MARK: - Blocks

extension Inflater {
    private func startBlock() throws {
        isLast = try input.take(1) == 1
        switch try input.take(2) {
        case 0: try startStored()
        case 1:
            guard let literals = HuffmanTable.fixedLiterals, let distances = HuffmanTable.fixedDistances else {
                preconditionFailure("the fixed codes are codes")
            }
            block = .coded(literals: literals, distances: distances)
        case 2: try startDynamic()
        default: throw Fault.isCorrupt
        }
    }

    private func startStored() throws {
        input.align()
        let count = try input.take(16)
        guard try input.take(16) == ~count & 0xFFFF else { throw Fault.isCorrupt }
        block = .stored(left: count)
    }

    private func copyStored(_ left: Int) throws {
        guard left > 0 else {
            block = .none
            return
        }
        input.align()
        let count = min(left, Self.history + Self.chunk - filled)
        let done = unsafe try input.takeBytes(UnsafeMutableBufferPointer(start: window + filled, count: count))
        guard done > 0 else { throw Fault.isTruncated }
        filled += done
        block = .stored(left: left - done)
    }

    /// The order in which the lengths of the code of code lengths come.
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private func startDynamic() throws {
        let literalCount = try input.take(5) + 257
        let distanceCount = try input.take(5) + 1
        let codeCount = try input.take(4) + 4
        guard literalCount <= 286, distanceCount <= 30 else { throw Fault.isCorrupt }
        var lengths = [UInt8](repeating: 0, count: 19)
        for symbol in Self.order.prefix(codeCount) { lengths[symbol] = UInt8(try input.take(3)) }
        guard
            let code = HuffmanTable(lengths[...], meanings: HuffmanTable.codeLengths, root: 7, allowsLonely: false)
        else { throw Fault.isCorrupt }
        lengths = try readLengths(literalCount + distanceCount, code)
        // Without a symbol for its end no block ends.
        guard lengths[256] > 0,
            let literals = HuffmanTable(
                lengths[..<literalCount], meanings: HuffmanTable.literals, root: Self.literalRoot, joinsBytes: true),
            let distances = HuffmanTable(
                lengths[literalCount...], meanings: HuffmanTable.distances, root: Self.distanceRoot)
        else { throw Fault.isCorrupt }
        block = .coded(literals: literals, distances: distances)
    }

    private func readLengths(_ count: Int, _ code: HuffmanTable) throws -> [UInt8] {
        var lengths: [UInt8] = []
        lengths.reserveCapacity(count)
        while lengths.count < count {
            let symbol = try input.take(code)
            guard let symbol else { throw Fault.isCorrupt }
            if symbol < 16 {
                lengths.append(UInt8(symbol))
                continue
            }
            let value: UInt8
            let times: Int
            switch symbol {
            case 16:
                guard let last = lengths.last else { throw Fault.isCorrupt }
                (value, times) = (last, 3 + (try input.take(2)))
            case 17: (value, times) = (0, 3 + (try input.take(3)))
            default: (value, times) = (0, 11 + (try input.take(7)))
            }
            guard lengths.count + times <= count else { throw Fault.isCorrupt }
            lengths += repeatElement(value, count: times)
        }
        return lengths
    }
}

// MARK: - The loop

extension Inflater {
    /// Decodes until the block ends, the window is full or the input must be prepared again.
    ///
    /// A turn takes at most three loads of eight bytes, which the input's margin holds, and writes at most `slack`
    /// bytes. An index never leaves its table: it has as many bits as the table has places. Nothing is copied from
    /// below `floor`.
    private func decode(_ literals: HuffmanTable, _ distances: HuffmanTable) -> Pause {
        unsafe literals.entries.withUnsafeBufferPointer { literals in
            unsafe distances.entries.withUnsafeBufferPointer { distances in
                unsafe decode(literals.baseAddress.unsafelyUnwrapped, distances.baseAddress.unsafelyUnwrapped)
            }
        }
    }

    private func decode(_ literals: UnsafePointer<UInt32>, _ distances: UnsafePointer<UInt32>) -> Pause {
        var bits = unsafe LoadedBits(input.cursor, UnsafeRawPointer(input.buffer))
        var out = unsafe window + filled
        let floor = unsafe window + floor
        let limit = unsafe window + Self.history + Self.chunk
        let lastLoad = input.lastLoad
        defer {
            input.cursor = bits.cursor
            unsafe filled = out - window
        }
        let literalMask = 1 << UInt64(Self.literalRoot) - 1 as UInt64
        let distanceMask = 1 << UInt64(Self.distanceRoot) - 1 as UInt64
        if bits.cursor.next > lastLoad { return .inputIsLow }
        // The next entry is always looked up early: while what came before is copied, it is on its way.
        bits.load()
        var entry = unsafe literals[bits.index(literalMask)]
        while true {
            if bits.cursor.next > lastLoad { return .inputIsLow }
            if unsafe out >= limit { return .windowIsFull }
            if HuffmanTable.isLiteral(entry) {
                unsafe bits.put(entry, &out)
                entry = unsafe literals[bits.index(literalMask)]
                if HuffmanTable.isLiteral(entry) {
                    unsafe bits.put(entry, &out)
                    entry = unsafe literals[bits.index(literalMask)]
                    if HuffmanTable.isLiteral(entry) {
                        unsafe bits.put(entry, &out)
                        bits.load()
                        entry = unsafe literals[bits.index(literalMask)]
                        continue
                    }
                }
                bits.load()
            }
            if entry & HuffmanTable.isSpecial != 0 {
                if entry & HuffmanTable.isSecond != 0 { entry = unsafe bits.second(entry, literals) }
                if HuffmanTable.isLiteral(entry) {
                    unsafe bits.put(entry, &out)
                    bits.load()
                    entry = unsafe literals[bits.index(literalMask)]
                    continue
                }
                if entry & HuffmanTable.isSpecial != 0 {
                    bits.take(entry)
                    return entry & HuffmanTable.isEnd != 0 ? .blockEnded : .isCorrupt
                }
            }
            let length = bits.takeValue(entry)
            entry = unsafe distances[bits.index(distanceMask)]
            if entry & HuffmanTable.isSpecial != 0 {
                if entry & HuffmanTable.isSecond != 0 { entry = unsafe bits.second(entry, distances) }
                if entry & HuffmanTable.isSpecial != 0 { return .isCorrupt }
            }
            let distance = bits.takeValue(entry)
            guard unsafe distance <= out - floor else { return .isCorrupt }
            bits.load()
            entry = unsafe literals[bits.index(literalMask)]
            unsafe Self.repeatBytes(distance, length, &out)
        }
    }

    /// Copies `length` bytes from `distance` bytes back, and up to 16 of no meaning behind them.
    @inline(__always)
    private static func repeatBytes(_ distance: Int, _ length: Int, _ out: inout UnsafeMutablePointer<UInt8>) {
        var to = UnsafeMutableRawPointer(out)
        var from = unsafe UnsafeRawPointer(to - distance)
        unsafe out += length
        let end = UnsafeMutableRawPointer(out)
        if distance >= 8 {
            repeat {
                unsafe to.storeBytes(of: from.loadUnaligned(as: UInt64.self), as: UInt64.self)
                unsafe (to + 8).storeBytes(of: (from + 8).loadUnaligned(as: UInt64.self), as: UInt64.self)
                unsafe to += 16
                unsafe from += 16
            } while unsafe to < end
        } else if distance == 1 {
            let pattern = unsafe UInt64(from.load(as: UInt8.self)) &* 0x0101_0101_0101_0101
            repeat {
                unsafe to.storeBytes(of: pattern, as: UInt64.self)
                unsafe to += 8
            } while unsafe to < end
        } else {
            repeat {
                unsafe to.storeBytes(of: from.loadUnaligned(as: UInt64.self), as: UInt64.self)
                unsafe to += distance
                unsafe from += distance
            } while unsafe to < end
        }
    }
}

/// A cursor in registers, with the buffer that it stands in.
@safe private struct LoadedBits {
    var cursor: BitInput.Cursor
    private let buffer: UnsafeRawPointer

    init(_ cursor: BitInput.Cursor, _ buffer: UnsafeRawPointer) {
        self.cursor = cursor
        unsafe self.buffer = buffer
    }

    /// Loads up to at least 56 bits.
    @inline(__always)
    mutating func load() {
        let next = unsafe (buffer + cursor.next).loadUnaligned(as: UInt64.self).littleEndian
        cursor.bits |= next &<< UInt64(truncatingIfNeeded: cursor.count)
        cursor.next &+= (63 &- cursor.count) &>> 3
        cursor.count |= 56
    }

    @inline(__always)
    func index(_ mask: UInt64) -> Int { Int(truncatingIfNeeded: cursor.bits & mask) }

    /// Takes the bits of an entry and puts its bytes.
    @inline(__always)
    mutating func put(_ entry: UInt32, _ out: inout UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(out).storeBytes(of: UInt16(truncatingIfNeeded: entry >> 16), as: UInt16.self)
        unsafe out += Int(entry >> 8 & 0xF)
        take(entry)
    }

    /// Takes the bits of an entry.
    @inline(__always)
    mutating func take(_ entry: UInt32) {
        cursor.bits &>>= UInt64(entry & 0x3F)
        cursor.count &-= Int(entry & 0x3F)
    }

    /// Takes the bits of an entry and gives its base with its extra bits added.
    @inline(__always)
    mutating func takeValue(_ entry: UInt32) -> Int {
        let taken = cursor.bits & ((1 &<< UInt64(entry & 0x3F)) &- 1)
        take(entry)
        return Int(truncatingIfNeeded: UInt64(entry >> 16) &+ taken &>> UInt64(entry >> 8 & 0xF))
    }

    /// Takes the bits that led to a second table, and gives the entry there.
    @inline(__always)
    mutating func second(_ entry: UInt32, _ table: UnsafePointer<UInt32>) -> UInt32 {
        take(entry)
        let mask = 1 &<< UInt64(entry >> 8 & 0xF) &- 1 as UInt64
        return unsafe table[Int(entry >> 16) &+ index(mask)]
    }
}
