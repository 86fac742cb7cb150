import Linux

// Kernels for tests and for the fuzzer, which compiles this file together with the loaders.

@testable import MicroVM

/// An ELF kernel like a linker's.
struct KernelMaker {
    struct Part {
        var address: UInt64
        var content: [UInt8]
        /// The size in memory in bytes; zeros follow the content.
        var memorySize: UInt64
        /// The offset in the file; `nil` for the next page.
        var offset: UInt64?
        /// A forged size in the file.
        var fileSize: UInt64?

        init(_ address: UInt64, _ content: [UInt8], memorySize: UInt64? = nil) {
            self.address = address
            self.content = content
            self.memorySize = memorySize ?? UInt64(content.count)
        }
    }

    var parts = [
        Part(0x10_0000, (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7) }, memorySize: 9000),
        Part(0x20_0123, [1, 2, 3, 4, 5]),
    ]
    var machine: UInt16 = 62
    var fileType: UInt16 = 2
    var entry: UInt64 = 0x10_0010
    var pvhEntry: UInt32? = 0x10_0020

    /// The file: headers, notes, then each part, at a page's start or at its own offset.
    var bytes: [UInt8] {
        var headers: [UInt8] = []
        var content = [UInt8](repeating: 0, count: 4096)
        for part in parts {
            let offset = part.offset ?? UInt64((content.count + 4095) & ~4095)
            if part.offset == nil {
                content += [UInt8](repeating: 0, count: Int(offset) - content.count) + part.content
            }
            headers += Self.header(
                type: 1, offset, part.address, part.fileSize ?? UInt64(part.content.count), part.memorySize)
        }
        var note: [UInt8] = []
        if let pvhEntry {
            for number in [4, 4, 18] as [UInt32] { note.append(little: number) }
            note += Array("Xen\0".utf8)
            note.append(little: pvhEntry)
            headers += Self.header(type: 4, 2048, 0, UInt64(note.count), UInt64(note.count))
        }
        var start: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        start.append(little: fileType)
        start.append(little: machine)
        start.append(little: UInt32(1))
        for number in [entry, 64, 0] { start.append(little: number) }
        start.append(little: UInt32(0))
        for number in [64, 56, headers.count / 56, 64, 0, 0] { start.append(little: UInt16(number)) }
        content.replaceSubrange(0..<start.count, with: start)
        content.replaceSubrange(64..<(64 + headers.count), with: headers)
        content.replaceSubrange(2048..<(2048 + note.count), with: note)
        return content
    }

    private static func header(
        type: UInt32, _ offset: UInt64, _ address: UInt64, _ fileSize: UInt64, _ memorySize: UInt64
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(little: type)
        bytes.append(little: UInt32(7))
        for number in [offset, address, address, fileSize, memorySize, 4096] { bytes.append(little: number) }
        return bytes
    }
}

/// A bzImage around some payload.
struct BzImageMaker {
    var version: UInt16 = 0x20f
    var loadFlags: UInt8 = 1
    var extendedLoadFlags: UInt16 = 3
    var isRelocatable: UInt8 = 1
    var address: UInt64 = 0x100_0000
    var memorySize: UInt32 = 0x20_0000
    var payload: [UInt8]
    var payloadSize: UInt32?
    var payloadOffset: UInt32 = 0x300

    init(payload: [UInt8]) { self.payload = payload }

    /// Packs a kernel as `lz4 -l` packs incompressible data, and appends its size.
    init(packing kernel: [UInt8], saying size: Int? = nil) {
        payload = LZ4Maker.frame([LZ4Maker.literals(kernel)])
        payload.append(little: UInt32(size ?? kernel.count))
    }

    var bytes: [UInt8] {
        var image = [UInt8](repeating: 0, count: 1024)
        image[0x1f1] = 1
        image.set(UInt16(0xaa55), at: 0x1fe)
        image.set(UInt16(0x6aeb), at: 0x200)
        image.set(UInt32(0x5372_6448), at: 0x202)
        image.set(version, at: 0x206)
        image.set(loadFlags, at: 0x211)
        image.set(UInt32(0x10_0000), at: 0x214)
        image.set(UInt32(0x20_0000), at: 0x230)
        image.set(isRelocatable, at: 0x234)
        image.set(extendedLoadFlags, at: 0x236)
        image.set(UInt32(2047), at: 0x238)
        image.set(payloadOffset, at: 0x248)
        image.set(payloadSize ?? UInt32(payload.count), at: 0x24c)
        image.set(address, at: 0x258)
        image.set(memorySize, at: 0x260)
        image += [UInt8](repeating: 0x90, count: 0x300) + payload
        image += [UInt8](repeating: 0x90, count: (1024 - image.count % 16) % 16 + 1024)
        image.set(UInt32((image.count - 1024) / 16), at: 0x1f4)
        return image
    }
}

/// LZ4 written by hand.
enum LZ4Maker {
    static func frame(_ blocks: [[UInt8]]) -> [UInt8] {
        var frame: [UInt8] = [0x02, 0x21, 0x4c, 0x18]
        for block in blocks {
            frame.append(little: UInt32(block.count))
            frame += block
        }
        return frame
    }

    /// A block of literals alone.
    static func literals(_ content: [UInt8]) -> [UInt8] { length(content.count) + content }

    /// A token with its literal length, and the rest of that length.
    static func length(_ count: Int, low: UInt8 = 0) -> [UInt8] {
        guard count >= 15 else { return [UInt8(count << 4) | low] }
        var bytes: [UInt8] = [0xf0 | low]
        var rest = count - 15
        while rest >= 255 {
            bytes.append(255)
            rest -= 255
        }
        return bytes + [UInt8(rest)]
    }
}
