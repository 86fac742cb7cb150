// LZ4's first frame format, in which Linux packs kernels: a magic number, then independent blocks.
//
// ```
// 02 21 4c 18 | size, block | size, block | ...     each block unpacks to 8 MiB, the last one to less
// block: sequences of  token | more literal length | literals | offset (16 bits) | more match length
//        the last sequence ends after its literals
// ```

/// A decoder of LZ4's legacy frames.
enum LZ4Legacy {
    static let magic: UInt32 = 0x184c_2102
    private static let blockSize = 8 << 20

    /// Why bytes could not be unpacked.
    enum Fault: Error, Hashable {
        case notLZ4
        case damaged
        /// There is more, or less, than was promised.
        case otherSize
    }

    /// Unpacks frames of which it is known how many bytes they hold.
    ///
    /// What the input says can make nobody allocate or loop: no more than `byteCount` is written, and every step
    /// consumes input.
    static func decode(_ input: RawSpan, byteCount: Int) throws(Fault) -> [UInt8] {
        var fault: Fault?
        let output = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            var span = unsafe UnsafeMutableRawBufferPointer(buffer).mutableBytes
            do throws(Fault) {
                try decode(input, into: &span)
                initialized = byteCount
            } catch {
                fault = error
                initialized = 0
            }
        }
        if let fault { throw fault }
        return output
    }

    /// Fills `output` to its last byte.
    static func decode(_ input: RawSpan, into output: inout MutableRawSpan) throws(Fault) {
        guard input.byteCount >= 4, word(input, 0) == magic else { throw .notLZ4 }
        var position = 4
        var done = 0
        while position < input.byteCount {
            guard input.byteCount - position >= 4 else { throw .damaged }
            let size = word(input, position)
            position += 4
            if size == magic { continue }
            guard size > 0, Int(size) <= input.byteCount - position else { throw .damaged }
            let capacity = min(blockSize, output.byteCount - done)
            let block = input.extracting(position..<(position + Int(size)))
            var place = output._mutatingExtracting(done..<(done + capacity))
            guard let count = decodeBlock(block, into: &place) else {
                throw capacity < blockSize ? .otherSize : .damaged
            }
            done += count
            position += Int(size)
        }
        guard done == output.byteCount else { throw .otherSize }
    }

    private static func word(_ span: RawSpan, _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) {
            $0 | UInt32(unsafe span.unsafeLoad(fromByteOffset: offset + $1, as: UInt8.self)) << UInt32(8 * $1)
        }
    }

    /// Unpacks one block.
    ///
    /// Both pointers stay within their spans: each sequence's lengths are compared with what is left before anything
    /// is copied, and an offset with what has been written. Copies that round up to 8 bytes happen only where that
    /// much room is left.
    ///
    /// - Returns: how many bytes it held; nil for a damaged block and for one that holds more than fits.
    private static func decodeBlock(_ input: RawSpan, into output: inout MutableRawSpan) -> Int? {
        unsafe output.withUnsafeMutableBytes { target in
            unsafe input.withUnsafeBytes { source in
                guard let from = source.baseAddress, let into = target.baseAddress else { return nil }
                return unsafe decodeBlock(from, source.count, into, target.count)
            }
        }
    }

    private static func decodeBlock(
        _ input: UnsafeRawPointer, _ inputCount: Int, _ output: UnsafeMutableRawPointer, _ outputCount: Int
    ) -> Int? {
        var read = 0
        var written = 0
        while read < inputCount {
            let token = unsafe Int(input.load(fromByteOffset: read, as: UInt8.self))
            read &+= 1
            var literals = token >> 4
            if literals == 15, unsafe !extend(&literals, input, &read, inputCount) { return nil }
            guard literals <= inputCount &- read, literals <= outputCount &- written else { return nil }
            unsafe copy(
                input + read, output + written, literals, room: min(inputCount &- read, outputCount &- written))
            read &+= literals
            written &+= literals
            if read == inputCount { return written }
            guard inputCount &- read >= 2 else { return nil }
            let offset = unsafe Int(UInt16(littleEndian: input.loadUnaligned(fromByteOffset: read, as: UInt16.self)))
            read &+= 2
            var length = token & 15
            if length == 15, unsafe !extend(&length, input, &read, inputCount) { return nil }
            length &+= 4
            guard offset > 0, offset <= written, length <= outputCount &- written else { return nil }
            unsafe repeatBytes(output + written, offset, length, room: outputCount &- written)
            written &+= length
        }
        return nil
    }

    /// Adds bytes to a length until one is not 255; no more than the input's bytes, so that nothing overflows.
    @inline(__always)
    private static func extend(
        _ length: inout Int, _ input: UnsafeRawPointer, _ read: inout Int, _ inputCount: Int
    ) -> Bool {
        while read < inputCount {
            let byte = unsafe Int(input.load(fromByteOffset: read, as: UInt8.self))
            read &+= 1
            length &+= byte
            if byte != 255 { return true }
        }
        return false
    }

    /// Copies `count` bytes, in steps of 8 where `room` allows to write past them.
    @inline(__always)
    private static func copy(_ from: UnsafeRawPointer, _ into: UnsafeMutableRawPointer, _ count: Int, room: Int) {
        guard count <= 64, room >= count &+ 8 else { return unsafe into.copyMemory(from: from, byteCount: count) }
        var index = 0
        while index < count {
            unsafe into.storeBytes(
                of: from.loadUnaligned(fromByteOffset: index, as: UInt64.self), toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
    }

    /// Repeats what stands `offset` before; source and target may overlap.
    @inline(__always)
    private static func repeatBytes(_ into: UnsafeMutableRawPointer, _ offset: Int, _ count: Int, room: Int) {
        let from = unsafe into - offset
        var index = 0
        if offset >= 8, room >= count &+ 8 {
            while index < count {
                unsafe into.storeBytes(
                    of: from.loadUnaligned(fromByteOffset: index, as: UInt64.self), toByteOffset: index,
                    as: UInt64.self)
                index &+= 8
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
