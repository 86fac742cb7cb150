// LZ4's first frame format, which Linux uses for kernels: a magic number, then independent blocks.
//
// ```
// 02 21 4c 18 | size, block | size, block | ...     each block unpacks to 8 MiB, the last one to less
// block: sequences of  token | more literal length | literals | offset (16 bits) | more match length
//        the last sequence ends after its literals
// ```

/// The blocks of LZ4's legacy frames, with a known total size.
///
/// No input can cause an unbounded allocation or loop. A block is no longer than its buffer, all blocks hold no more
/// than the declared size, and every step consumes input.
struct LZ4Legacy {
    static let magic: UInt32 = 0x184c_2102
    /// The maximum unpacked size of a block.
    static let blockSize = 8 << 20

    /// The reason why bytes could not be unpacked.
    enum LZ4Fault: Error, Hashable {
        case notLZ4
        case damaged
        /// The unpacked size differs from the declared size.
        case otherSize
    }

    /// The number of unpacked bytes that are still to come.
    private var rest: Int
    private var position = 0

    init(byteCount: Int) { rest = byteCount }

    /// Unpacks the next block of the same input into a buffer of ``blockSize`` bytes, or of all there are if less.
    ///
    /// - Returns: the number of bytes in the block; `nil` after the last one.
    mutating func next(_ input: RawSpan, into buffer: inout MutableRawSpan) throws(LZ4Fault) -> Int? {
        guard input.byteCount >= 4, Self.word(input, 0) == Self.magic else { throw .notLZ4 }
        while position < input.byteCount {
            guard input.byteCount - position >= 4 else { throw .damaged }
            let size = Self.word(input, position)
            position += 4
            if size == Self.magic { continue }
            guard size > 0, Int(size) <= input.byteCount - position else { throw .damaged }
            let isLast = rest < Self.blockSize
            let block = input.extracting(position..<(position + Int(size)))
            var place = buffer._mutatingExtracting(first: min(rest, Self.blockSize, buffer.byteCount))
            guard let count = Self.decodeBlock(block, into: &place) else { throw isLast ? .otherSize : .damaged }
            position += Int(size)
            rest -= count
            return count
        }
        guard rest == 0 else { throw .otherSize }
        return nil
    }

    private static func word(_ span: RawSpan, _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) {
            $0 | UInt32(unsafe span.unsafeLoad(fromByteOffset: offset + $1, as: UInt8.self)) << UInt32(8 * $1)
        }
    }

    /// Unpacks one block.
    ///
    /// Both pointers stay within their spans. Each sequence's lengths are compared with the rest before a copy, and an
    /// offset with the bytes written so far. Some copies round up: to 16 for literals, and to 32 for a match of at most
    /// 18. They are made only after a check that so much room is left.
    ///
    /// - Returns: the number of bytes in the block; `nil` for a damaged block and for one that doesn't fit.
    private static func decodeBlock(_ input: RawSpan, into output: inout MutableRawSpan) -> Int? {
        unsafe output.withUnsafeMutableBytes { target in
            unsafe input.withUnsafeBytes { source in
                guard let from = source.baseAddress, let into = target.baseAddress else { return nil }
                return unsafe decodeBlock(from, count: source.count, into: into, room: target.count)
            }
        }
    }

    private static func decodeBlock(
        _ input: UnsafeRawPointer, count inputCount: Int, into output: UnsafeMutableRawPointer, room outputCount: Int
    ) -> Int? {
        var read = 0
        var written = 0
        while read < inputCount {
            let token = unsafe Int(input.load(fromByteOffset: read, as: UInt8.self))
            read &+= 1
            var literals = token >> 4
            var length = token & 15
            if literals < 15, inputCount &- read >= 16, outputCount &- written >= 16 {
                // The usual case: 16 bytes are available, and the excess is overwritten later.
                unsafe copy16(input + read, output + written)
            } else {
                if literals == 15, unsafe !extend(&literals, from: input, at: &read, count: inputCount) { return nil }
                guard literals <= inputCount &- read, literals <= outputCount &- written else { return nil }
                unsafe (output + written).copyMemory(from: input + read, byteCount: literals)
            }
            read &+= literals
            written &+= literals
            if read == inputCount { return written }
            guard inputCount &- read >= 2 else { return nil }
            let offset = unsafe Int(UInt16(littleEndian: input.loadUnaligned(fromByteOffset: read, as: UInt16.self)))
            read &+= 2
            guard offset > 0, offset <= written else { return nil }
            if length < 15, offset >= 16, outputCount &- written >= 32 {
                unsafe copy16(output + (written &- offset), output + written)
                unsafe copy16(output + (written &- offset &+ 16), output + (written &+ 16))
            } else {
                if length == 15, unsafe !extend(&length, from: input, at: &read, count: inputCount) { return nil }
                guard length <= outputCount &- written &- 4 else { return nil }
                unsafe repeatBytes(
                    output + written, offset: offset, count: length &+ 4, room: outputCount &- written)
            }
            written &+= length &+ 4
        }
        return nil
    }

    /// Adds bytes to a length until one is not 255; the input's size bounds it, so nothing overflows.
    @inline(__always)
    private static func extend(
        _ length: inout Int, from input: UnsafeRawPointer, at read: inout Int, count inputCount: Int
    ) -> Bool {
        while read < inputCount {
            let byte = unsafe Int(input.load(fromByteOffset: read, as: UInt8.self))
            read &+= 1
            length &+= byte
            if byte != 255 { return true }
        }
        return false
    }

    @inline(__always)
    private static func copy16(_ from: UnsafeRawPointer, _ into: UnsafeMutableRawPointer) {
        unsafe into.storeBytes(of: from.loadUnaligned(as: SIMD2<UInt64>.self), as: SIMD2<UInt64>.self)
    }

    /// Repeats the bytes `offset` before; source and target may overlap.
    ///
    /// The steps are as large as `offset` and `room` allow.
    @inline(__always)
    private static func repeatBytes(_ into: UnsafeMutableRawPointer, offset: Int, count: Int, room: Int) {
        let from = unsafe into - offset
        var index = 0
        if offset >= 16, room &- count >= 16 {
            while index < count {
                unsafe copy16(from + index, into + index)
                index &+= 16
            }
            return
        }
        while index < count {
            unsafe into.storeBytes(
                of: from.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }
}
