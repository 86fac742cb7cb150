// The bytes of an ELF file, read with all bounds checked.

/// Reads numbers and strings at offsets of a file, in its byte order and word size.
struct ELFBytes {
    static let magic: [UInt8] = [0x7f, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]
    /// The limit of a string, in bytes: no path is longer; it bounds the cost of one entry.
    private static let maximumText = 4096

    let bytes: [UInt8]
    let is64: Bool
    let isBigEndian: Bool

    init(_ bytes: [UInt8]) throws(ELF.Fault) {
        guard bytes.count >= 20, bytes.starts(with: Self.magic) else { throw .notELF }
        guard bytes[4] == 1 || bytes[4] == 2 else { throw .unknownClass(bytes[4]) }
        guard bytes[5] == 1 || bytes[5] == 2 else { throw .unknownByteOrder(bytes[5]) }
        self.bytes = bytes
        is64 = bytes[4] == 2
        isBigEndian = bytes[5] == 2
    }

    /// The bytes of a part of a file whose header was already read.
    init(_ bytes: [UInt8], is64: Bool, isBigEndian: Bool) {
        self.bytes = bytes
        self.is64 = is64
        self.isBigEndian = isBigEndian
    }

    var count: Int { bytes.count }

    /// Returns the range of `count` bytes at `offset`; nil if it is outside the file.
    func range(_ offset: UInt64, _ count: UInt64) -> Range<Int>? {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= UInt64(bytes.count) else { return nil }
        return Int(offset)..<Int(end)
    }

    private func number(_ offset: UInt64, _ size: Int) -> UInt64? {
        guard let range = range(offset, UInt64(size)) else { return nil }
        var value: UInt64 = 0
        for index in range {
            if isBigEndian {
                value = value << 8 | UInt64(bytes[index])
            } else {
                value |= UInt64(bytes[index]) << UInt64(8 * (index - range.lowerBound))
            }
        }
        return value
    }

    func half(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt16 {
        guard let value = number(offset, 2) else { throw .outside(what) }
        return UInt16(truncatingIfNeeded: value)
    }

    func int(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt32 {
        guard let value = number(offset, 4) else { throw .outside(what) }
        return UInt32(truncatingIfNeeded: value)
    }

    /// Reads a number of the file's word size.
    func word(_ offset: UInt64, _ what: String) throws(ELF.Fault) -> UInt64 {
        guard let value = number(offset, is64 ? 8 : 4) else { throw .outside(what) }
        return value
    }

    /// Reads a string up to a NUL or the limit.
    func text(at offset: UInt64, limit: UInt64, _ what: String) throws(ELF.Fault) -> [UInt8] {
        guard offset < UInt64(bytes.count) else { throw .outside(what) }
        let length = min(limit, UInt64(Self.maximumText), UInt64(bytes.count) - offset)
        return Array(bytes[Int(offset)..<Int(offset + length)].prefix { $0 != 0 })
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
        for index in 0..<(segment.fileSize / size) {
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
    func notes(in segments: [ELF.Segment]) -> [ELF.Note] {
        var found: [ELF.Note] = []
        var places = Set<UInt64>()
        let regions = segments.filter { $0.type == 4 }.map { ($0.offset, $0.fileSize) } + noteSections()
        for (offset, size) in regions.prefix(Self.maximumRegions) {
            guard let range = range(offset, size) else { continue }
            readNotes(range, &found, &places)
        }
        return found
    }

    /// Returns the notes in these bytes.
    func notes() -> [ELF.Note] {
        var found: [ELF.Note] = []
        var places = Set<UInt64>()
        readNotes(0..<bytes.count, &found, &places)
        return found
    }

    private func readNotes(_ range: Range<Int>, _ found: inout [ELF.Note], _ places: inout Set<UInt64>) {
        var position = UInt64(range.lowerBound)
        let end = UInt64(range.upperBound)
        while position + 12 <= end, found.count < Self.maximumNotes,
            let nameSize = number(position, 4), let size = number(position + 4, 4), let type = number(position + 8, 4)
        {
            let content = position + 12 + (nameSize + 3) & ~3
            guard content + size <= end, let name = self.range(position + 12, nameSize),
                let bytes = self.range(content, min(size, 65536))
            else { return }
            if places.insert(position).inserted {
                let owner = String(decoding: self.bytes[name].prefix { $0 != 0 }.prefix(64), as: UTF8.self)
                found.append(
                    ELF.Note(owner: owner, type: UInt32(truncatingIfNeeded: type), content: Array(self.bytes[bytes])))
            }
            position = content + (size + 3) & ~3
        }
    }

    /// Returns offset and size of every section of notes.
    ///
    /// Section headers may be missing or wrong; the loader doesn't use them.
    private func noteSections() -> [(UInt64, UInt64)] {
        let size: UInt64 = is64 ? 64 : 40
        guard let table = number(is64 ? 40 : 32, is64 ? 8 : 4), table > 0,
            let count = number(is64 ? 60 : 48, 2), range(table, size * count) != nil
        else { return [] }
        return (0..<count).compactMap { index in
            let header = table + index * size
            guard number(header + 4, 4) == 7, let offset = number(header + (is64 ? 24 : 16), is64 ? 8 : 4),
                let length = number(header + (is64 ? 32 : 20), is64 ? 8 : 4)
            else { return nil }
            return (offset, length)
        }
    }
}

// MARK: - Texts

extension ELFBytes {
    private static let maximumTexts = 4096
    private static let maximumName = 255

    /// Returns C strings in read-only segments that look like names of shared libraries.
    ///
    /// The last component is `lib*.so*`, or the string is an absolute path with `.so`. Format strings and strings in
    /// `names` are left out.
    func libraryTexts(in segments: [ELF.Segment], without names: Range<Int>) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var seen = Set<[UInt8]>()
        for segment in segments.filter({ $0.isLoaded && !$0.isWritable }).prefix(Self.maximumRegions) {
            guard let range = range(segment.offset, segment.fileSize) else { continue }
            var position = range.lowerBound
            while found.count < Self.maximumTexts, let dot = nextSuffix(position..<range.upperBound) {
                let run = printableRun(around: dot, in: position..<range.upperBound)
                position = max(run.upperBound, dot + 3)
                guard isCString(run, in: range), !names.overlaps(run) else { continue }
                let text = Array(bytes[run])
                if Self.namesLibrary(text), seen.insert(text).inserted { found.append(text) }
            }
        }
        return found
    }

    /// Returns the position of the next `.so`.
    ///
    /// The pointer is valid during the call, and the range is within the bytes.
    private func nextSuffix(_ range: Range<Int>) -> Int? {
        unsafe bytes.withUnsafeBytes { buffer in
            var index = range.lowerBound + 1
            while index + 1 < range.upperBound {
                if unsafe buffer[index] == 0x73, unsafe buffer[index - 1] == 0x2e, unsafe buffer[index + 1] == 0x6f {
                    return index - 1
                }
                index += 1
            }
            return nil
        }
    }

    private func printableRun(around position: Int, in range: Range<Int>) -> Range<Int> {
        var start = position
        while start > range.lowerBound, Self.isPrintable(bytes[start - 1]) { start -= 1 }
        var end = position
        while end < range.upperBound, Self.isPrintable(bytes[end]) { end += 1 }
        return start..<end
    }

    /// True if NULs enclose a string that is short enough for a name.
    private func isCString(_ run: Range<Int>, in range: Range<Int>) -> Bool {
        run.count <= Self.maximumName && run.upperBound < range.upperBound && bytes[run.upperBound] == 0
            && (run.lowerBound == range.lowerBound || bytes[run.lowerBound - 1] == 0)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f }

    private static func namesLibrary(_ text: [UInt8]) -> Bool {
        guard !text.contains(UInt8(ascii: "%")) else { return false }
        let name = text.lastIndex(of: UInt8(ascii: "/")).map { text[($0 + 1)...] } ?? text[...]
        guard text.first == UInt8(ascii: "/") || name.starts(with: "lib".utf8) else { return false }
        let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let suffix = parts.lastIndex(where: { $0.elementsEqual("so".utf8) }), suffix > 0 else { return false }
        return parts[(suffix + 1)...].allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
    }
}
