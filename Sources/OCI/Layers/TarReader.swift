internal import Linux

/// A layer's tar, read once from front to back.
///
/// It is our own because names are bytes and must be preserved in every locale, and because analysis needs the offset
/// of each entry. Tar files of other programs (ADD) are read through libarchive.
/// ```
/// +--------+---------+--------+---------+-----+------+------+
/// | header | content | header | content | ... | zero | zero |   512-byte blocks
/// +--------+---------+--------+---------+-----+------+------+
/// ```
/// Supported: ustar with prefix, POSIX pax records (path, linkpath, size, uid, gid, mtime, SCHILY.xattr.*), GNU long
/// names and links, base-256 numbers. Sparse files are refused, because the image specification advises writers against
/// them.
public final class TarReader {
    private static let block = 512
    /// The bytes of pax records and long names that one entry may have.
    private static let maximumRecords = 1 << 20
    private static let maximumLink = 4095

    private let source: any ByteSource
    private let layer: String
    private let isHeadersOnly: Bool
    private var chunk: ArraySlice<UInt8> = []
    private var remaining: Int64 = 0
    private var padding = 0
    private var recordBytes: Int64 = 0
    private var isAtEnd = false
    /// The number of bytes of the tar that were read.
    public private(set) var offset: Int64 = 0
    /// The offset of the last entry's headers and records in bytes.
    public private(set) var headerOffset: Int64 = 0

    /// Reads a tar from `source`; errors contain `layer`.
    ///
    /// A skeleton is a tar without the contents of its files.
    public init(_ source: any ByteSource, layer: String, isHeadersOnly: Bool = false) {
        self.source = source
        self.layer = layer
        self.isHeadersOnly = isHeadersOnly
    }

    /// Returns the next entry, or nil at the end; skips the unread rest of the content before it.
    public func next() throws -> LayerEntry? {
        guard !isAtEnd else { return nil }
        try skipContent()
        headerOffset = offset
        recordBytes = 0
        var records = Records()
        while let header = try readHeader() {
            switch header.type {
            case UInt8(ascii: "x"): try records.add(pax: readRecords(header))
            case UInt8(ascii: "g"): _ = try readRecords(header)
            case UInt8(ascii: "L"): records.path = try Self.untilNul(readRecords(header))
            case UInt8(ascii: "K"): records.link = try Self.untilNul(readRecords(header))
            default:
                if let entry = try entry(header, records) { return entry }
                try skipContent()
                records = Records()
            }
        }
        isAtEnd = true
        try drain()
        return nil
    }

    /// Returns the next chunk of the current entry's content; it is empty at the end.
    public func readContent() throws -> ArraySlice<UInt8> {
        guard remaining > 0 else { return [] }
        try fill()
        let part = chunk.prefix(Int(min(Int64(chunk.count), remaining)))
        consume(part.count)
        remaining -= Int64(part.count)
        return part
    }

    /// Passes the current entry's content to `body`, chunk by chunk.
    public func readContent(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        while true {
            let part = try readContent()
            if part.isEmpty { return }
            try body(part)
        }
    }
}

// MARK: - Entries

extension TarReader {
    private func entry(_ header: Header, _ records: Records) throws(OCIError) -> LayerEntry? {
        let size = records.size ?? header.size
        let raw = records.path ?? header.path
        let path = try path(raw)
        let link = records.link ?? header.link
        let metadata = FileMetadata(
            mode: UInt16(header.mode & 0o7777), uid: records.uid ?? header.uid, gid: records.gid ?? header.gid,
            mtime: records.mtime ?? FileTime(seconds: header.mtime), xattrs: records.xattrs)
        if records.isSparse || header.type == UInt8(ascii: "S") { throw fault("a sparse file") }

        // A link or a directory with a size has content that no reader uses.
        expect(content: isHeadersOnly ? 0 : size)

        let change: LayerEntry.Change
        switch header.type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            change = .add(raw.last == UInt8(ascii: "/") ? .directory : .file(size: size))
        case UInt8(ascii: "1"): change = .link(to: try self.path(link))
        case UInt8(ascii: "2"):
            guard link.count <= Self.maximumLink, !link.contains(0) else {
                throw fault("a symbolic link whose target is too long or has a NUL byte")
            }
            change = .add(.symlink(target: link))
        case UInt8(ascii: "3"): change = .add(.characterDevice(major: header.major, minor: header.minor))
        case UInt8(ascii: "4"): change = .add(.blockDevice(major: header.major, minor: header.minor))
        case UInt8(ascii: "5"): change = .add(.directory)
        case UInt8(ascii: "6"): change = .add(.fifo)
        default: return nil
        }
        guard !raw.isEmpty else { throw unsafeEntry(raw, "has no name") }
        guard !path.isRoot || change == .add(.directory) else {
            throw unsafeEntry(raw, "replaces the root with something that is not a directory")
        }
        return try whiteout(path, raw) ?? LayerEntry(path, change, metadata)
    }

    private func whiteout(_ path: ImagePath, _ raw: [UInt8]) throws(OCIError) -> LayerEntry? {
        let prefix = Array(".wh.".utf8)
        guard path.name.starts(with: prefix) else { return nil }
        let name = path.name.dropFirst(prefix.count)
        if name.elementsEqual(".wh..opq".utf8) { return LayerEntry(path.parent, .clear) }
        // aufs's own marks (.wh..wh.plnk and the like) have no meaning here.
        if name.starts(with: prefix) { return LayerEntry(path, .remove) }
        guard !name.isEmpty, !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else {
            throw unsafeEntry(raw, "is a whiteout that names no file")
        }
        return LayerEntry(path.parent.appending(name), .remove)
    }

    private func path(_ raw: [UInt8]) throws(OCIError) -> ImagePath {
        do {
            return try ImagePath(entry: raw)
        } catch {
            throw unsafeEntry(raw, error.description)
        }
    }

    private func unsafeEntry(_ raw: [UInt8], _ reason: String) -> OCIError {
        .unsafeEntry(String(decoding: raw.prefix(300), as: UTF8.self), layer: layer, reason: reason)
    }

    private func expect(content size: Int64) {
        remaining = size
        padding = Int((-size) & Int64(Self.block - 1))
    }

    private func fault(_ reason: String) -> OCIError { .malformedLayer(layer, offset: headerOffset, reason: reason) }
}

// MARK: - Blocks

extension TarReader {
    private func fill() throws {
        guard chunk.isEmpty else { return }
        chunk = try source.next()[...]
        if chunk.isEmpty { throw fault("the tar is truncated") }
    }

    private func consume(_ count: Int) {
        chunk = chunk.dropFirst(count)
        offset += Int64(count)
    }

    private func skipContent() throws {
        var left = remaining + Int64(padding)
        while left > 0 {
            try fill()
            let count = Int(min(Int64(chunk.count), left))
            consume(count)
            left -= Int64(count)
        }
        remaining = 0
        padding = 0
    }

    /// Reads one block; nil if the source ends between two.
    private func readBlock() throws -> [UInt8]? {
        var block: [UInt8] = []
        block.reserveCapacity(Self.block)
        while block.count < Self.block {
            if chunk.isEmpty {
                chunk = try source.next()[...]
                if chunk.isEmpty {
                    if block.isEmpty { return nil }
                    throw fault("the tar is truncated")
                }
            }
            let part = chunk.prefix(Self.block - block.count)
            block += part
            consume(part.count)
        }
        return block
    }

    /// Reads the next header; nil at the end of the archive, which is a block of zeros or no block.
    private func readHeader() throws -> Header? {
        guard let block = try readBlock(), block.contains(where: { $0 != 0 }) else { return nil }
        guard let header = Header(block) else { throw fault("an invalid tar header") }
        return header
    }

    private func readRecords(_ header: Header) throws -> [UInt8] {
        guard header.size <= Self.maximumRecords, recordBytes + header.size <= Self.maximumRecords else {
            throw fault("records of more than \(Self.maximumRecords) bytes")
        }
        recordBytes += header.size
        expect(content: header.size)
        var bytes: [UInt8] = []
        try readContent { bytes += $0 }
        try skipContent()
        return bytes
    }

    /// Reads the bytes after the end, so that the source reaches its own end and checks its digest.
    private func drain() throws {
        offset += Int64(chunk.count)
        chunk = []
        while true {
            let rest = try source.next()
            if rest.isEmpty { return }
            offset += Int64(rest.count)
        }
    }

    private static func untilNul(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }
}

// MARK: - Header and records

extension TarReader {
    /// A ustar header (POSIX.1-2017, pax, ustar interchange format).
    private struct Header {
        var path: [UInt8]
        let link: [UInt8]
        let type: UInt8
        let size: Int64
        let mode: Int64
        let uid: UInt32
        let gid: UInt32
        let mtime: Int64
        let major: UInt32
        let minor: UInt32

        init?(_ block: [UInt8]) {
            guard let checksum = Self.number(block[148..<156]), checksum == Self.checksum(block),
                let size = Self.number(block[124..<136]), size >= 0, size < 1 << 62,
                let mode = Self.number(block[100..<108]), let uid = Self.number(block[108..<116]),
                let gid = Self.number(block[116..<124]), let mtime = Self.number(block[136..<148])
            else { return nil }
            type = block[156]
            self.size = size
            self.mode = mode
            self.uid = UInt32(truncatingIfNeeded: uid)
            self.gid = UInt32(truncatingIfNeeded: gid)
            self.mtime = mtime
            path = TarReader.untilNul(Array(block[0..<100]))
            link = TarReader.untilNul(Array(block[157..<257]))
            let isDevice = type == UInt8(ascii: "3") || type == UInt8(ascii: "4")
            major = isDevice ? UInt32(truncatingIfNeeded: Self.number(block[329..<337]) ?? 0) : 0
            minor = isDevice ? UInt32(truncatingIfNeeded: Self.number(block[337..<345]) ?? 0) : 0
            let prefix = TarReader.untilNul(Array(block[345..<500]))
            if block[257..<263].elementsEqual("ustar\0".utf8), !prefix.isEmpty {
                path = prefix + [UInt8(ascii: "/")] + path
            }
        }

        private static func checksum(_ block: [UInt8]) -> Int64 {
            var sum: Int64 = 0
            for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 32 : Int64(byte) }
            return sum
        }

        /// Parses octal digits, or base-256 if the first bit is set; an empty field is 0.
        private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
            guard let first = field.first else { return nil }
            if first & 0x80 != 0 {
                var value: Int64 = first & 0x40 != 0 ? -1 : 0
                for (index, byte) in field.enumerated() {
                    guard value < 1 << 54, value >= -(1 << 54) else { return nil }
                    value = value << 8 | Int64(index == 0 ? byte & 0x7f : byte)
                    if index == 0, first & 0x40 != 0 { value |= ~0x7f }
                }
                return value
            }
            let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
            if digits.isEmpty { return 0 }
            return Int64(String(decoding: digits, as: UTF8.self), radix: 8)
        }
    }

    /// The values of pax records and GNU long names for the entry that follows.
    private struct Records {
        var path: [UInt8]?
        var link: [UInt8]?
        var size: Int64?
        var uid: UInt32?
        var gid: UInt32?
        var mtime: FileTime?
        var xattrs: [String: [UInt8]] = [:]
        var isSparse = false

        /// Adds `LENGTH KEY=VALUE\n` records; ignores a malformed rest, as every reader does.
        mutating func add(pax bytes: [UInt8]) {
            var rest = bytes[...]
            while let blank = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
                length > blank - rest.startIndex + 1, length <= rest.count
            {
                let record = rest[(blank + 1)..<(rest.startIndex + length)].dropLast()
                rest = rest.dropFirst(length)
                guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { continue }
                set(String(decoding: record[..<equals], as: UTF8.self), Array(record[(equals + 1)...]))
            }
        }

        private mutating func set(_ key: String, _ value: [UInt8]) {
            let text = String(decoding: value, as: UTF8.self)
            switch key {
            // POSIX: an empty value removes that of an earlier record.
            case "path": path = value.isEmpty ? nil : value
            case "linkpath": link = value
            case "size": if let number = Int64(text), number >= 0, number < 1 << 62 { size = number }
            case "uid": uid = UInt32(text)
            case "gid": gid = UInt32(text)
            case "mtime": mtime = Self.time(text)
            default:
                let xattr = "SCHILY.xattr."
                if key.hasPrefix(xattr) { xattrs[String(key.dropFirst(xattr.count))] = value }
                setAttribute(libarchive: key, value)
                if key.hasPrefix("GNU.sparse.") { isSparse = true }
            }
        }

        /// Reads libarchive's form, which it writes beside the other; the other has precedence.
        private mutating func setAttribute(libarchive key: String, _ value: [UInt8]) {
            let prefix = "LIBARCHIVE.xattr."
            guard key.hasPrefix(prefix), let name = AttributeName.decoded(key.dropFirst(prefix.count)),
                xattrs[name] == nil, let bytes = Base64.decoded(value)
            else { return }
            xattrs[name] = bytes
        }

        private static func time(_ text: String) -> FileTime? {
            let parts = text.split(separator: ".", maxSplits: 1)
            guard let first = parts.first, let seconds = Int64(first), seconds.magnitude < 1 << 40 else { return nil }
            guard parts.count == 2 else { return FileTime(seconds: seconds) }
            let digits = (parts[1].prefix(9) + "000000000").prefix(9)
            guard let nanoseconds = Int64(digits) else { return nil }
            if text.hasPrefix("-"), nanoseconds > 0 {
                return FileTime(seconds: seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds)
            }
            return FileTime(seconds: seconds, nanoseconds: nanoseconds)
        }
    }
}
