// The bytes of an ELF file, read with all bounds checked.

/// A file of which single parts are read.
public protocol ELFSource {
    /// The size in bytes.
    var byteCount: UInt64 { get }

    /// Returns `count` bytes at `offset`; the range is within the file.
    ///
    /// - Throws: ``ELF/Fault/unreadable(_:)`` if the file cannot be read.
    func bytes(at offset: UInt64, count: Int) throws(ELF.Fault) -> [UInt8]
}

/// A file in memory.
private struct ELFMemory: ELFSource {
    let content: [UInt8]
    var byteCount: UInt64 { UInt64(content.count) }

    func bytes(at offset: UInt64, count: Int) -> [UInt8] { Array(content[Int(offset)..<(Int(offset) + count)]) }
}

/// Reads numbers and strings at offsets of a file, in its byte order and word size.
struct ELFBytes {
    static let magic: [UInt8] = [0x7f, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]
    /// The limit of a string, in bytes: no path is longer; it bounds the cost of one entry.
    private static let maximumText = 4096
    /// The limit of dynamic entries: more than any linker makes.
    private static let maximumDynamicEntries: UInt64 = 1 << 16

    private let file: any ELFSource
    let is64: Bool
    let isBigEndian: Bool

    init(_ file: some ELFSource) throws(ELF.Fault) {
        guard file.byteCount >= 20 else { throw .notELF }
        let start = try file.bytes(at: 0, count: 6)
        guard start.starts(with: Self.magic) else { throw .notELF }
        guard start[4] == 1 || start[4] == 2 else { throw .unknownClass(start[4]) }
        guard start[5] == 1 || start[5] == 2 else { throw .unknownByteOrder(start[5]) }
        self.file = file
        is64 = start[4] == 2
        isBigEndian = start[5] == 2
    }

    init(_ bytes: [UInt8]) throws(ELF.Fault) { try self.init(ELFMemory(content: bytes)) }

    /// The bytes of a part of a file whose header was already read.
    init(_ bytes: [UInt8], is64: Bool, isBigEndian: Bool) {
        file = ELFMemory(content: bytes)
        self.is64 = is64
        self.isBigEndian = isBigEndian
    }

    var count: UInt64 { file.byteCount }

    /// Returns the range of `count` bytes at `offset`; nil if it is outside the file.
    func range(_ offset: UInt64, _ count: UInt64) -> Range<UInt64>? {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= self.count else { return nil }
        return offset..<end
    }

    func bytes(_ range: Range<UInt64>) throws(ELF.Fault) -> [UInt8] {
        try file.bytes(at: range.lowerBound, count: Int(range.upperBound - range.lowerBound))
    }

    private func number(_ offset: UInt64, _ size: Int) throws(ELF.Fault) -> UInt64? {
        guard let range = range(offset, UInt64(size)) else { return nil }
        let digits = try bytes(range)
        return (isBigEndian ? digits : digits.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
    }

    func half(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt16 {
        guard let value = try number(offset, 2) else { throw .outside(what) }
        return UInt16(truncatingIfNeeded: value)
    }

    func int(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt32 {
        guard let value = try number(offset, 4) else { throw .outside(what) }
        return UInt32(truncatingIfNeeded: value)
    }

    /// Reads a number of the file's word size.
    func word(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt64 {
        guard let value = try number(offset, is64 ? 8 : 4) else { throw .outside(what) }
        return value
    }

    /// Reads a string up to a NUL or the limit.
    func text(at offset: UInt64, limit: UInt64, _ what: String) throws(ELF.Fault) -> [UInt8] {
        guard offset < count else { throw .outside(what) }
        let length = min(limit, UInt64(Self.maximumText), count - offset)
        return Array(try bytes(offset..<offset + length).prefix { $0 != 0 })
    }

    /// Reads the string at `index` of a string table.
    func string(_ index: UInt64, table: UInt64, size: UInt64) throws(ELF.Fault) -> [UInt8] {
        let (offset, overflow) = table.addingReportingOverflow(index)
        guard !overflow, index < size else { throw .outside("string table") }
        return try text(at: offset, limit: size - index, "string table")
    }
}

// MARK: - Tables

extension ELFBytes {
    /// Reads the program headers; there are at most 65535 of them.
    func segments() throws(ELF.Fault) -> [ELF.Segment] {
        let table = try word(is64 ? 32 : 28, "header")
        let size = try UInt64(half(is64 ? 54 : 42, "header"))
        let count = try UInt64(half(is64 ? 56 : 44, "header"))
        guard count > 0 else { return [] }
        guard size >= (is64 ? 56 : 32), range(table, size * count) != nil else { throw .outside("program headers") }
        var list: [ELF.Segment] = []
        for index in 0..<count { list.append(try segment(at: table + index * size)) }
        return list
    }

    private func segment(at offset: UInt64) throws(ELF.Fault) -> ELF.Segment {
        let what = "program headers"
        guard is64 else {
            return try ELF.Segment(
                type: int(offset, what), flags: int(offset + 24, what), offset: word(offset + 4, what),
                virtualAddress: word(offset + 8, what), physicalAddress: word(offset + 12, what),
                fileSize: word(offset + 16, what), memorySize: word(offset + 20, what))
        }
        return try ELF.Segment(
            type: int(offset, what), flags: int(offset + 4, what), offset: word(offset + 8, what),
            virtualAddress: word(offset + 16, what), physicalAddress: word(offset + 24, what),
            fileSize: word(offset + 32, what), memorySize: word(offset + 40, what))
    }

    /// Reads the tag and value of every dynamic entry.
    func dynamicEntries(_ segment: ELF.Segment) throws(ELF.Fault) -> [(UInt64, UInt64)] {
        guard range(segment.offset, segment.fileSize) != nil else { throw .outside("dynamic section") }
        let size: UInt64 = is64 ? 16 : 8
        var list: [(UInt64, UInt64)] = []
        for index in 0..<min(segment.fileSize / size, Self.maximumDynamicEntries) {
            let offset = segment.offset + index * size
            let tag = try word(offset, "dynamic section")
            list.append((tag, try word(offset + size / 2, "dynamic section")))
            if tag == 0 { break }
        }
        return list
    }

    /// Returns the file offset of a virtual address; nil if it is not in the file.
    func offset(of address: UInt64, in segments: [ELF.Segment]) -> UInt64? {
        for segment in segments where segment.isLoaded {
            guard address >= segment.virtualAddress else { continue }
            let distance = address - segment.virtualAddress
            guard distance < segment.fileSize else { continue }
            let (offset, overflow) = segment.offset.addingReportingOverflow(distance)
            return overflow ? nil : offset
        }
        return nil
    }
}

// MARK: - Notes

extension ELFBytes {
    private static let maximumNotes = 1024
    /// The limit of regions: more than any linker makes; it bounds repeated reads of the same bytes.
    private static let maximumRegions = 64

    /// Returns the notes of segments and sections, each once; stops at a malformed note in each of them.
    func notes(in segments: [ELF.Segment]) throws(ELF.Fault) -> [ELF.Note] {
        var found: [ELF.Note] = []
        var places = Set<UInt64>()
        let regions = segments.filter { $0.type == 4 }.map { ($0.offset, $0.fileSize) }
        let sections = try sections().filter { $0.type == ELF.Section.notes }.map { ($0.offset, $0.size) }
        for (offset, size) in (regions + sections).prefix(Self.maximumRegions) {
            guard let range = range(offset, size) else { continue }
            try readNotes(in: range, into: &found, places: &places)
        }
        return found
    }

    /// Returns the notes in these bytes.
    func notes() throws(ELF.Fault) -> [ELF.Note] {
        var found: [ELF.Note] = []
        var places = Set<UInt64>()
        try readNotes(in: 0..<count, into: &found, places: &places)
        return found
    }

    private func readNotes(
        in range: Range<UInt64>, into found: inout [ELF.Note], places: inout Set<UInt64>
    ) throws(ELF.Fault) {
        var position = range.lowerBound
        while position + 12 <= range.upperBound, found.count < Self.maximumNotes,
            let nameSize = try number(position, 4), let size = try number(position + 4, 4),
            let type = try number(position + 8, 4)
        {
            let content = position + 12 + (nameSize + 3) & ~3
            guard content + size <= range.upperBound, self.range(position + 12, nameSize) != nil,
                let part = self.range(content, min(size, 65536))
            else { return }
            if places.insert(position).inserted {
                let name = try bytes(position + 12..<position + 12 + min(nameSize, 64))
                let owner = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                found.append(ELF.Note(owner: owner, type: UInt32(truncatingIfNeeded: type), content: try bytes(part)))
            }
            position = content + (size + 3) & ~3
        }
    }
}

// MARK: - Texts

extension ELFBytes {
    private static let maximumTexts = 4096

    /// Returns C strings in read-only segments that look like names of shared libraries.
    ///
    /// The last component is `lib*.so*`, or the string is an absolute path with `.so`. Format strings and strings in
    /// `names` are left out.
    func libraryTexts(in segments: [ELF.Segment], without names: Range<UInt64>) throws(ELF.Fault) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var seen = Set<[UInt8]>()
        for segment in segments.filter({ $0.isLoaded && !$0.isWritable }).prefix(Self.maximumRegions) {
            guard let range = range(segment.offset, segment.fileSize) else { continue }
            var position = range.lowerBound
            while position < range.upperBound, found.count < Self.maximumTexts {
                let window = try ELFWindow(of: range, from: position) { (part) throws(ELF.Fault) in try bytes(part) }
                while found.count < Self.maximumTexts, let run = window.nextName(&position) {
                    guard !names.overlaps(run.range) else { continue }
                    if Self.namesLibrary(run.text), seen.insert(run.text).inserted { found.append(run.text) }
                }
            }
        }
        return found
    }

    private static func namesLibrary(_ text: [UInt8]) -> Bool {
        guard !text.contains(UInt8(ascii: "%")) else { return false }
        let name = text.lastIndex(of: UInt8(ascii: "/")).map { text[($0 + 1)...] } ?? text[...]
        guard text.first == UInt8(ascii: "/") || name.starts(with: "lib".utf8) else { return false }
        let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let suffix = parts.lastIndex(where: { $0.elementsEqual("so".utf8) }), suffix > 0 else { return false }
        return parts[(suffix + 1)...].allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
    }
}

/// A part of a segment in memory, with enough on both sides to know any name that begins in it.
private struct ELFWindow {
    private static let size: UInt64 = 1 << 20
    private static let maximumName = 255
    private static let margin: UInt64 = 300

    private let bytes: [UInt8]
    /// The offset of the first of the bytes.
    private let base: UInt64
    /// The end of the part to search.
    private let end: UInt64
    private let segment: Range<UInt64>

    init(
        of segment: Range<UInt64>, from start: UInt64, _ read: (Range<UInt64>) throws(ELF.Fault) -> [UInt8]
    ) throws(ELF.Fault) {
        self.segment = segment
        base = start - min(start - segment.lowerBound, Self.margin)
        end = min(start + Self.size, segment.upperBound)
        bytes = try read(base..<end + min(segment.upperBound - end, Self.margin))
    }

    /// Returns the next C string around `.so` from `position`, and moves that behind it, or to the end of the window.
    func nextName(_ position: inout UInt64) -> (range: Range<UInt64>, text: [UInt8])? {
        while position < end, let dot = nextSuffix(from: Int(position - base)), base + UInt64(dot) < end {
            let run = printableRun(around: dot)
            position = base + UInt64(max(run.upperBound, dot + 3))
            if isCString(run) {
                return (base + UInt64(run.lowerBound)..<base + UInt64(run.upperBound), Array(bytes[run]))
            }
        }
        position = max(position, end)
        return nil
    }

    /// Returns the index of the next `.so`.
    ///
    /// The pointer is valid during the call, and every index is within the bytes.
    private func nextSuffix(from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { buffer in
            var index = start + 1
            while index + 1 < buffer.count {
                if unsafe buffer[index] == 0x73, unsafe buffer[index - 1] == 0x2e, unsafe buffer[index + 1] == 0x6f {
                    return index - 1
                }
                index += 1
            }
            return nil
        }
    }

    private func printableRun(around index: Int) -> Range<Int> {
        var start = index
        while start > 0, Self.isPrintable(bytes[start - 1]) { start -= 1 }
        var end = index
        while end < bytes.count, Self.isPrintable(bytes[end]) { end += 1 }
        return start..<end
    }

    /// True if NULs or the segment's start enclose a string that is short enough for a name.
    private func isCString(_ run: Range<Int>) -> Bool {
        run.count <= Self.maximumName && run.upperBound < bytes.count && bytes[run.upperBound] == 0
            && (run.lowerBound > 0 ? bytes[run.lowerBound - 1] == 0 : base == segment.lowerBound)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f }
}
