/// A decoder of a coded block's content that has its whole state in registers.
///
/// An iteration does at most three loads of eight bytes, which the input's margin contains, and writes at most
/// ``slack`` bytes. An index never leaves its table: its number of bits fits the table's size. Nothing is
/// copied from below `floor`.
@safe struct InflateLoop {
    /// The bits that index the first tables: as many as keep the tables in the processor's nearest cache.
    static let literalRoot = 11
    static let distanceRoot = 8
    /// Three literals and a repetition of 258 bytes, which is copied in pieces of 16.
    static let slack = 6 + 258 + 16

    enum Pause { case inputIsLow, windowIsFull, blockEnded, isCorrupt }

    private static let literalMask = 1 << UInt64(literalRoot) - 1 as UInt64
    private static let distanceMask = 1 << UInt64(distanceRoot) - 1 as UInt64

    private(set) var out: UnsafeMutablePointer<UInt8>
    private var bits: LoadedBits
    /// The next entry, always looked up early, so that the load overlaps with the copy before it.
    private var entry: UInt32 = 0
    private let literals: UnsafePointer<UInt32>
    private let distances: UnsafePointer<UInt32>
    private let floor: UnsafeMutablePointer<UInt8>
    private let limit: UnsafeMutablePointer<UInt8>
    private let lastLoad: Int

    var cursor: BitInput.Cursor { bits.cursor }

    @inline(__always)
    init(
        _ input: BitInput, _ literals: UnsafePointer<UInt32>, _ distances: UnsafePointer<UInt32>,
        floor: UnsafeMutablePointer<UInt8>, out: UnsafeMutablePointer<UInt8>, limit: UnsafeMutablePointer<UInt8>
    ) {
        unsafe (self.literals, self.distances) = (literals, distances)
        unsafe (self.floor, self.out, self.limit) = (floor, out, limit)
        unsafe bits = LoadedBits(input.cursor, UnsafeRawPointer(input.buffer))
        lastLoad = input.lastLoad
    }

    /// Decodes until the block ends, the window is full or the input must be prepared again.
    @inline(__always)
    mutating func run() -> Pause {
        if bits.cursor.next > lastLoad { return .inputIsLow }
        bits.load()
        lookUp()
        while true {
            if bits.cursor.next > lastLoad { return .inputIsLow }
            if unsafe out >= limit { return .windowIsFull }
            if HuffmanTable.isLiteral(entry), putUpToThree() { continue }
            if entry & HuffmanTable.isSpecial != 0 {
                if entry & HuffmanTable.isSecond != 0 { entry = unsafe bits.second(entry, literals) }
                if HuffmanTable.isLiteral(entry) {
                    putLast()
                    continue
                }
                if entry & HuffmanTable.isSpecial != 0 {
                    bits.take(entry)
                    return entry & HuffmanTable.isEnd != 0 ? .blockEnded : .isCorrupt
                }
            }
            guard repeatBytes() else { return .isCorrupt }
        }
    }

    @inline(__always)
    private mutating func lookUp() { entry = unsafe literals[bits.index(Self.literalMask)] }

    @inline(__always)
    private mutating func put() {
        unsafe UnsafeMutableRawPointer(out).storeBytes(of: UInt16(truncatingIfNeeded: entry >> 16), as: UInt16.self)
        unsafe out += Int(entry >> 8 & 0xF)
        bits.take(entry)
    }

    /// Writes bytes, and loads the bits that were taken.
    @inline(__always)
    private mutating func putLast() {
        put()
        bits.load()
        lookUp()
    }

    /// Writes the bytes of as many entries as one load has bits for; false if another kind of entry comes before that.
    @inline(__always)
    private mutating func putUpToThree() -> Bool {
        put()
        lookUp()
        if HuffmanTable.isLiteral(entry) {
            put()
            lookUp()
            if HuffmanTable.isLiteral(entry) {
                putLast()
                return true
            }
        }
        bits.load()
        return false
    }

    /// Repeats bytes by the entry and the distance after it; false if there is no such distance.
    @inline(__always)
    private mutating func repeatBytes() -> Bool {
        let length = bits.takeValue(entry)
        entry = unsafe distances[bits.index(Self.distanceMask)]
        if entry & HuffmanTable.isSpecial != 0 {
            if entry & HuffmanTable.isSecond != 0 { entry = unsafe bits.second(entry, distances) }
            if entry & HuffmanTable.isSpecial != 0 { return false }
        }
        let distance = bits.takeValue(entry)
        guard unsafe distance <= out - floor else { return false }
        bits.load()
        lookUp()
        unsafe Self.repeatBytes(distance, length, &out)
        return true
    }

    /// Copies `length` bytes from `distance` bytes back, and up to 16 meaningless bytes after them.
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

/// A cursor in registers, with its buffer.
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

    /// Takes the bits of an entry.
    @inline(__always)
    mutating func take(_ entry: UInt32) {
        cursor.bits &>>= UInt64(entry & 0x3F)
        cursor.count &-= Int(entry & 0x3F)
    }

    /// Takes the bits of an entry and returns its base plus its extra bits.
    @inline(__always)
    mutating func takeValue(_ entry: UInt32) -> Int {
        let taken = cursor.bits & ((1 &<< UInt64(entry & 0x3F)) &- 1)
        take(entry)
        return Int(truncatingIfNeeded: UInt64(entry >> 16) &+ taken &>> UInt64(entry >> 8 & 0xF))
    }

    /// Takes the bits of a second table's index, and returns the entry there.
    @inline(__always)
    mutating func second(_ entry: UInt32, _ table: UnsafePointer<UInt32>) -> UInt32 {
        take(entry)
        let mask = 1 &<< UInt64(entry >> 8 & 0xF) &- 1 as UInt64
        return unsafe table[Int(entry >> 16) &+ index(mask)]
    }
}
