internal import ImageFiles

/// glibc's `/etc/ld.so.cache`, a table from library names to files.
///
/// ```
/// 0   "glibc-ld.so.cache" "1.1"      20 bytes
/// 20  count of entries, bytes of texts, flags, 3 bytes padding, offset of extensions, 12 bytes unused
/// 48  entries, 24 bytes each:  flags, name, path, os version, hwcaps (8 bytes)
/// ..  texts, NUL-ended; name and path are offsets from the start of this header
/// ..  extensions, 4-aligned: magic 0xeaa42174, count, then 16 bytes each: tag, flags, offset, size
/// ```
/// Older caches have the format of libc5 in front ("ld.so-1.7.0"); the newer one begins at the next multiple of 8.
///
/// Entries are sorted for the loader's binary search, and removing some keeps the order. So the loader finds in the
/// reduced cache the same files as before, except the removed ones. A newly built cache could not guarantee that.
struct LoaderCache: Sendable {
    struct Entry: Sendable, Hashable {
        let flags: UInt32
        let name: [UInt8]
        let path: [UInt8]
        let osVersion: UInt32
        let hwcaps: UInt64

        /// True if the entry is for certain processors only.
        var isVariant: Bool { hwcaps != 0 }
    }

    private(set) var entries: [Entry] = []
    private var byName: [[UInt8]: [Int]] = [:]
    private let flags: UInt32
    private var extensions: [(tag: UInt32, content: [UInt8])] = []
    private var capabilities: [[UInt8]] = []

    private static let old = Array("ld.so-1.7.0".utf8)
    private static let magic = Array("glibc-ld.so.cache1.1".utf8)
    private static let extensionMagic: UInt32 = 0xeaa4_2174
    private static let generatorTag: UInt32 = 0
    private static let capabilitiesTag: UInt32 = 1

    /// Parses a cache; nil for one that the loader would refuse too, or that has another byte order.
    init?(_ file: [UInt8]) {
        guard let bytes = Self.current(file), bytes.count >= 48, bytes.starts(with: Self.magic),
            let count = Self.int(bytes, 20), let flags = Self.int(bytes, 28), Int(count) <= (bytes.count - 48) / 24
        else { return nil }
        self.flags = flags
        for index in 0..<Int(count) {
            guard let entry = Self.entry(bytes, 48 + 24 * index) else { return nil }
            byName[entry.name, default: []].append(entries.count)
            entries.append(entry)
        }
        if let offset = Self.int(bytes, 32), offset > 0 { readExtensions(bytes, Int(offset)) }
    }

    /// Returns the entries of a name, in the order in which the loader tries them.
    func paths(of name: [UInt8]) -> [Entry] { (byName[name] ?? []).map { entries[$0] } }

    private static func current(_ file: [UInt8]) -> [UInt8]? {
        guard file.starts(with: old) else { return file }
        guard let count = int(file, 12), Int(count) <= file.count / 12 else { return nil }
        let end = (16 + 12 * Int(count) + 7) & ~7
        return end <= file.count ? Array(file[end...]) : nil
    }

    private static func int(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
        guard offset >= 0, offset + 4 <= bytes.count else { return nil }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    private static func entry(_ bytes: [UInt8], _ offset: Int) -> Entry? {
        guard let flags = int(bytes, offset), let name = int(bytes, offset + 4).flatMap({ text(bytes, $0) }),
            let path = int(bytes, offset + 8).flatMap({ text(bytes, $0) }), let version = int(bytes, offset + 12),
            let low = int(bytes, offset + 16), let high = int(bytes, offset + 20)
        else { return nil }
        return Entry(flags: flags, name: name, path: path, osVersion: version, hwcaps: UInt64(high) << 32 | UInt64(low))
    }

    private static func text(_ bytes: [UInt8], _ offset: UInt32) -> [UInt8]? {
        guard Int(offset) < bytes.count else { return nil }
        return Array(bytes[Int(offset)...].prefix(4096).prefix { $0 != 0 })
    }
}

// MARK: - Extensions

extension LoaderCache {
    /// Reads the extensions that can be written again: the generator's name and the names of hardware capabilities.
    private mutating func readExtensions(_ bytes: [UInt8], _ offset: Int) {
        guard Self.int(bytes, offset) == Self.extensionMagic, let count = Self.int(bytes, offset + 4), count <= 64
        else { return }
        for index in 0..<Int(count) {
            let header = offset + 8 + 16 * index
            guard let tag = Self.int(bytes, header), let start = Self.int(bytes, header + 8),
                let size = Self.int(bytes, header + 12), Int(start) + Int(size) <= bytes.count
            else { return }
            let content = Array(bytes[Int(start)..<(Int(start) + Int(size))])
            if tag == Self.generatorTag { extensions.append((tag, content)) }
            if tag == Self.capabilitiesTag {
                capabilities = stride(from: 0, to: content.count - 3, by: 4).compactMap { position in
                    Self.int(content, position).flatMap { Self.text(bytes, $0) }
                }
            }
        }
    }
}

// MARK: - Writing

extension LoaderCache {
    /// Returns the bytes of a cache with only the entries for which `isKept` is true, in their order.
    func reduced(_ isKept: (Entry) -> Bool) -> [UInt8] {
        let kept = entries.filter(isKept)
        var texts = Texts(start: 48 + 24 * kept.count)
        var table: [UInt8] = []
        for entry in kept {
            for value in [entry.flags, texts.offset(of: entry.name), texts.offset(of: entry.path), entry.osVersion] {
                Self.append(value, to: &table)
            }
            Self.append(UInt32(truncatingIfNeeded: entry.hwcaps), to: &table)
            Self.append(UInt32(truncatingIfNeeded: entry.hwcaps >> 32), to: &table)
        }
        let names = capabilities.map { texts.offset(of: $0) }
        let tail = self.tail(at: 48 + table.count + texts.bytes.count, capabilities: names)
        var header = Self.magic
        for value in [UInt32(kept.count), UInt32(texts.bytes.count), flags] { Self.append(value, to: &header) }
        Self.append(tail.isEmpty ? 0 : UInt32(Self.aligned(48 + table.count + texts.bytes.count)), to: &header)
        header += [UInt8](repeating: 0, count: 12)
        return header + table + texts.bytes + tail
    }

    private func tail(at end: Int, capabilities names: [UInt32]) -> [UInt8] {
        var parts = extensions
        if !names.isEmpty {
            var content: [UInt8] = []
            for name in names { Self.append(name, to: &content) }
            parts.append((Self.capabilitiesTag, content))
        }
        guard !parts.isEmpty else { return [] }
        let start = Self.aligned(end)
        var bytes = [UInt8](repeating: 0, count: start - end)
        Self.append(Self.extensionMagic, to: &bytes)
        Self.append(UInt32(parts.count), to: &bytes)
        var position = start + 8 + 16 * parts.count
        var contents: [UInt8] = []
        for part in parts {
            for value in [part.tag, 0, UInt32(position), UInt32(part.content.count)] { Self.append(value, to: &bytes) }
            let padded =
                part.content + [UInt8](repeating: 0, count: Self.aligned(part.content.count) - part.content.count)
            contents += padded
            position += padded.count
        }
        return bytes + contents
    }

    private static func aligned(_ offset: Int) -> Int { (offset + 3) & ~3 }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// NUL-ended texts, each once.
    private struct Texts {
        let start: Int
        var bytes: [UInt8] = []
        var known: [[UInt8]: UInt32] = [:]

        init(start: Int) { self.start = start }

        mutating func offset(of text: [UInt8]) -> UInt32 {
            if let known = known[text] { return known }
            let offset = UInt32(start + bytes.count)
            bytes += text + [0]
            known[text] = offset
            return offset
        }
    }
}
