internal import ImageFiles
internal import Linux
internal import OCI

/// Cuts symbol tables and debug information off programs and libraries.
///
/// A file is cut behind its last segment, and its header then names no sections. That is done only if everything there
/// is known to be for debuggers and linkers: some programs carry data of their own behind their segments.
struct DebugSections: Cure {
    let name = "debug-sections"
    let summary = "remove symbol tables and debug information from programs and libraries"

    /// Smaller gains are not worth a change of the file.
    private static let minimumGain: Int64 = 16_384

    func proposal(for subject: CureSubject) async throws -> CureProposal? {
        let files = subject.files
        let found = try await Offload.run { try Self.cuts(of: files) }
        guard !found.isEmpty else { return nil }
        var edit = ImageEdit()
        var gain: Int64 = 0
        for (inode, cut) in found {
            edit.replaced[inode] = .cut(size: cut.size, patches: cut.patches)
            gain += files.tree.inodes[inode].kind.size - cut.size
        }
        return CureProposal(
            reason: found.count == 1 ? "1 file has debug sections" : "\(found.count) files have debug sections",
            prediction: "\(ByteCount(gain)) less, unpacked", goal: .size, edit: edit)
    }

    private static func cuts(of files: ImageFiles) throws -> [FileTree.InodeID: SectionCut] {
        let candidates = files.elf.filter { id, elf in
            elf.class == .bits64 && !elf.isBigEndian && elf.type != .relocatable && elf.type != .core
                && files.tree.inodes[id].linkCount > 0
                && files.tree.inodes[id].kind.size - Int64(clamping: SectionCut.end(of: elf)) >= minimumGain
        }
        var tables: [FileTree.InodeID: SectionTable] = [:]
        try read(candidates.keys, files) { id, content in tables[id] = SectionTable(header: content.bytes(0..<64)) }
        try read(tables.keys, files) { id, content in
            if let range = tables[id]?.range { tables[id]?.read(content.bytes(range)) }
        }
        var cuts: [FileTree.InodeID: SectionCut] = [:]
        try read(tables.keys, files) { id, content in
            guard let table = tables[id], let names = table.namesRange, let elf = files.elf[id] else { return }
            cuts[id] = SectionCut(
                elf, table, names: content.bytes(names), fileSize: files.tree.inodes[id].kind.size)
        }
        return cuts
    }

    private static func read(
        _ inodes: some Collection<FileTree.InodeID>, _ files: ImageFiles,
        _ body: (FileTree.InodeID, ContentRange) throws -> Void
    ) throws {
        try files.image.readContents(of: inodes.sorted(), in: files.tree) { id, reader in
            try body(id, ContentRange(reader))
        }
    }
}

/// One range of a content that is read in order.
private struct ContentRange {
    private let reader: TarReader

    init(_ reader: TarReader) { self.reader = reader }

    /// Returns the bytes of a range, fewer at the end of the file.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        var (bytes, position): ([UInt8], Int) = ([], 0)
        // A content that can't be read has no sections; the rewriting of the layer reports the error.
        while position < range.upperBound, let chunk = try? reader.readContent(), !chunk.isEmpty {
            bytes += chunk.prefix(range.upperBound - position).dropFirst(max(0, range.lowerBound - position))
            position += chunk.count
        }
        return bytes
    }
}

/// The section headers of a little-endian ELF file of 64 bits.
///
/// ```
/// header:  40 offset of the table   58 size of an entry   60 count   62 index of the names
/// entry:   0 name   4 type   8 flags   24 offset   32 size
/// ```
struct SectionTable {
    struct SectionHeader {
        let name: Int
        let type: UInt32
        let flags: UInt64
        let offset: Int
        let size: Int
    }

    private static let entrySize = 64
    private static let noBits: UInt32 = 8
    /// The place of the table in the file.
    let range: Range<Int>
    private let namesIndex: Int
    private(set) var sections: [SectionHeader] = []

    /// Reads the file's header; nil if it names no table of a plausible size.
    init?(header: [UInt8]) {
        guard header.count == 64, let offset = Self.number(header, 40, 8), let size = Self.number(header, 58, 2),
            let count = Self.number(header, 60, 2), let names = Self.number(header, 62, 2),
            size == Self.entrySize, count > 0, names < count, offset < 1 << 40
        else { return nil }
        range = offset..<(offset + count * size)
        namesIndex = names
    }

    mutating func read(_ table: [UInt8]) {
        guard table.count == range.count else { return }
        sections = stride(from: 0, to: table.count, by: Self.entrySize).compactMap { start in
            guard let name = Self.number(table, start, 4), let type = Self.number(table, start + 4, 4),
                let flags = Self.number(table, start + 8, 8), let offset = Self.number(table, start + 24, 8),
                let size = Self.number(table, start + 32, 8), offset < 1 << 40, size < 1 << 40
            else { return nil }
            return SectionHeader(
                name: name, type: UInt32(type), flags: UInt64(flags), offset: offset,
                size: type == Self.noBits ? 0 : size)
        }
    }

    /// The place of the sections' names.
    var namesRange: Range<Int>? {
        guard sections.count * Self.entrySize == range.count, sections[namesIndex].size <= 1 << 20 else { return nil }
        return sections[namesIndex].offset..<(sections[namesIndex].offset + sections[namesIndex].size)
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int? {
        let value = (0..<count).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        return Int(exactly: value)
    }
}

/// The end of a file without its debug sections.
struct SectionCut {
    /// The new size.
    let size: Int64
    /// The header without sections.
    let patches: [ImageEdit.Patch]

    private static let known: Set<String> = [
        "", ".symtab", ".strtab", ".shstrtab", ".comment", ".gnu_debuglink", ".gnu_debugaltlink",
        ".gnu.build.attributes",
        ".stab", ".stabstr", ".note.GNU-stack", ".gdb_index", ".debug_gdb_scripts",
    ]
    private static let allocated: UInt64 = 2

    /// Nil if the end of the file has anything that may be the program's own.
    init?(_ elf: ELF, _ table: SectionTable, names: [UInt8], fileSize: Int64) {
        let end = Int(clamping: Self.end(of: elf))
        var last = table.range.upperBound
        for section in table.sections where section.size > 0 {
            last = max(last, section.offset + section.size)
            guard section.flags & Self.allocated == 0 else {
                if section.offset + section.size > end { return nil }
                continue
            }
            let name = names.dropFirst(section.name).prefix { $0 != 0 }
            let text = String(decoding: name, as: UTF8.self)
            let isKnown = Self.known.contains(text) || [".debug_", ".zdebug_"].contains { text.hasPrefix($0) }
            guard isKnown || section.offset + section.size <= end else { return nil }
        }
        guard last == Int(fileSize), end < Int(fileSize) else { return nil }
        size = Int64(end)
        patches = [
            ImageEdit.Patch(offset: 40, bytes: [UInt8](repeating: 0, count: 8)),
            ImageEdit.Patch(offset: 60, bytes: [0, 0, 0, 0]),
        ]
    }

    /// Returns the end of everything that the kernel or the loader reads.
    static func end(of elf: ELF) -> UInt64 {
        let headers = 64 + UInt64(elf.segments.count) * 56
        return elf.segments.reduce(headers) { max($0, $1.offset &+ $1.fileSize) }
    }
}
