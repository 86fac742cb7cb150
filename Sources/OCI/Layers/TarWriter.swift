internal import Linux

/// A writer of a layer's tar: ustar if that suffices, otherwise pax records; the same entries give the same bytes.
///
/// Times are whole seconds; no user or group names, no access or change times; directories end in a slash; whiteouts
/// are empty files of mode 0 and time 0 (OCI image spec, layer; the forms BuildKit and containerd write).
public final class TarWriter {
    private let sink: any ByteSink
    private var remaining: Int64 = 0
    private var padding = 0

    /// Makes a writer to `sink`.
    public init(_ sink: any ByteSink) { self.sink = sink }

    /// Starts an entry; a regular file's content follows through ``write(_:)``, exactly ``LayerEntry/size`` bytes.
    ///
    /// Returns the entry's headers, as they were written.
    @discardableResult
    public func add(_ entry: LayerEntry) throws -> [UInt8] {
        precondition(remaining == 0, "the content of the previous entry is incomplete")
        let header = Self.header(of: entry)
        try sink.write(header)
        remaining = entry.size
        padding = Int((-entry.size) & 511)
        return header
    }

    /// Returns the blocks before an entry's content.
    static func header(of entry: LayerEntry) -> [UInt8] { Header(entry).bytes }

    /// Adds to the current file's content.
    public func write(_ bytes: ArraySlice<UInt8>) throws {
        precondition(Int64(bytes.count) <= remaining, "more content than the entry announced")
        try sink.write(bytes)
        remaining -= Int64(bytes.count)
        if remaining == 0, padding > 0 {
            try sink.write([UInt8](repeating: 0, count: padding))
            padding = 0
        }
    }

    /// The bytes of the current file's content that are still to be written.
    public var missing: Int64 { remaining }

    /// Ends the archive.
    public func finish() throws {
        precondition(remaining == 0, "the content of the last entry is incomplete")
        try sink.write([UInt8](repeating: 0, count: 1024))
    }
}

extension TarWriter {
    /// One entry's header blocks.
    private struct Header {
        private(set) var bytes: [UInt8] = []

        init(_ entry: LayerEntry) {
            var path = entry.path
            var type = UInt8(ascii: "0")
            var link: [UInt8] = []
            var device: (major: UInt32, minor: UInt32) = (0, 0)
            var isDirectory = false
            switch entry.change {
            case .add(.directory): (type, isDirectory) = (UInt8(ascii: "5"), true)
            case .add(.file): break
            case .add(.symlink(let target)): (type, link) = (UInt8(ascii: "2"), target)
            case .add(.characterDevice(let major, let minor)): (type, device) = (UInt8(ascii: "3"), (major, minor))
            case .add(.blockDevice(let major, let minor)): (type, device) = (UInt8(ascii: "4"), (major, minor))
            case .add(.fifo): type = UInt8(ascii: "6")
            case .link(let target): (type, link) = (UInt8(ascii: "1"), target.bytes)
            case .remove: path = path.parent.appending(Array(".wh.".utf8) + path.name)
            case .clear: path = path.appending(Array(".wh..wh..opq".utf8))
            }
            var name = path.isRoot ? [UInt8(ascii: "."), UInt8(ascii: "/")] : path.bytes
            if isDirectory, !path.isRoot { name.append(UInt8(ascii: "/")) }
            write(name, type, link, device, entry)
        }

        private mutating func write(
            _ name: [UInt8], _ type: UInt8, _ link: [UInt8], _ device: (major: UInt32, minor: UInt32),
            _ entry: LayerEntry
        ) {
            let metadata = entry.metadata
            var records: [(key: String, value: [UInt8])] = []
            let (prefix, short) = Self.split(name) ?? ([], Array(name.prefix(100)))
            if Self.split(name) == nil { records.append(("path", name)) }
            if link.count > 100 { records.append(("linkpath", link)) }
            if metadata.uid > 0o7777777 { records.append(("uid", Array(String(metadata.uid).utf8))) }
            if metadata.gid > 0o7777777 { records.append(("gid", Array(String(metadata.gid).utf8))) }
            if entry.size > 0o77777777777 { records.append(("size", Array(String(entry.size).utf8))) }
            let seconds = metadata.mtime.seconds
            if seconds < 0 || seconds > 0o77777777777 { records.append(("mtime", Array(String(seconds).utf8))) }
            for (key, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) {
                records.append(Self.record(attribute: key, value))
            }
            if !records.isEmpty {
                let content = records.flatMap { Self.record($0.key, $0.value) }
                bytes += Self.block(
                    name: Array("PaxHeaders.0/x".utf8), prefix: [], type: UInt8(ascii: "x"), link: [], mode: 0o644,
                    uid: 0,
                    gid: 0, size: Int64(content.count), mtime: 0, device: (0, 0))
                bytes += content + [UInt8](repeating: 0, count: -content.count & 511)
            }
            bytes += Self.block(
                name: short, prefix: prefix, type: type, link: Array(link.prefix(100)), mode: metadata.mode,
                uid: min(metadata.uid, 0o7777777), gid: min(metadata.gid, 0o7777777),
                size: min(entry.size, 0o77777777777), mtime: min(max(seconds, 0), 0o77777777777), device: device)
        }

        /// Returns the record of an extended attribute.
        ///
        /// A name with `=` would end there. For such names libarchive's form has percent encoding, and the value in
        /// base64.
        private static func record(attribute name: String, _ value: [UInt8]) -> (key: String, value: [UInt8]) {
            guard name.contains("=") else { return ("SCHILY.xattr.\(name)", value) }
            return ("LIBARCHIVE.xattr.\(AttributeName.encoded(name))", Base64.encoded(value))
        }

        /// Returns `LENGTH KEY=VALUE\n`, where the length includes its own digits.
        private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
            let rest = [UInt8(ascii: " ")] + Array(key.utf8) + [UInt8(ascii: "=")] + value + [UInt8(ascii: "\n")]
            var length = rest.count + 1
            while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
            return Array(String(length).utf8) + rest
        }

        /// Returns prefix and name if both fit; nil if the name needs a record.
        private static func split(_ name: [UInt8]) -> (prefix: [UInt8], name: [UInt8])? {
            if name.count <= 100 { return ([], name) }
            let body = name.dropLast()
            for index in body.indices.reversed() where name[index] == UInt8(ascii: "/") {
                let rest = name.count - index - 1
                if index <= 155, rest <= 100 { return (Array(name[..<index]), Array(name[(index + 1)...])) }
                if rest > 100 { return nil }
            }
            return nil
        }

        private static func block(
            name: [UInt8], prefix: [UInt8], type: UInt8, link: [UInt8], mode: UInt16, uid: UInt32, gid: UInt32,
            size: Int64, mtime: Int64, device: (major: UInt32, minor: UInt32)
        ) -> [UInt8] {
            var block = [UInt8](repeating: 0, count: 512)
            func put(_ bytes: [UInt8], at offset: Int) {
                block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
            }
            put(name, at: 0)
            put(octal(Int64(mode), 7), at: 100)
            put(octal(Int64(uid), 7), at: 108)
            put(octal(Int64(gid), 7), at: 116)
            put(octal(size, 11), at: 124)
            put(octal(mtime, 11), at: 136)
            put([UInt8](repeating: 32, count: 8), at: 148)
            block[156] = type
            put(link, at: 157)
            put(Array("ustar\u{0}00".utf8), at: 257)
            put(octal(Int64(device.major), 7), at: 329)
            put(octal(Int64(device.minor), 7), at: 337)
            put(prefix, at: 345)
            let sum = block.reduce(Int64(0)) { $0 + Int64($1) }
            put(octal(sum, 6) + [0], at: 148)
            return block
        }

        private static func octal(_ value: Int64, _ digits: Int) -> [UInt8] {
            var result = [UInt8](repeating: UInt8(ascii: "0"), count: digits)
            var rest = value
            for index in result.indices.reversed() {
                result[index] = UInt8(ascii: "0") + UInt8(rest & 7)
                rest >>= 3
            }
            return result
        }
    }
}
