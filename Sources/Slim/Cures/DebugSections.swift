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
        var tables: [FileTree.InodeID: SectionList] = [:]
        try read(candidates.keys, files) { id, content in tables[id] = SectionList(header: content.bytes(0..<64)) }
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

/// The sections of a file of 64 bits, whose numbers are checked: no table or section is larger than any file.
struct SectionList {
    private static let headerSize: UInt64 = 64
    private static let maximumOffset: UInt64 = 1 << 40
    private static let maximumNames: UInt64 = 1 << 20
    private let table: ELF.SectionTable
    /// The place of the table in the file.
    let range: Range<Int>
    private(set) var sections: [ELF.Section] = []

    /// Reads the file's header; nil if it names no table of a plausible size.
    init?(header: [UInt8]) {
        guard let table = try? ELF.SectionTable(header: header), table.entrySize == Self.headerSize, table.count > 0,
            table.namesIndex < table.count, table.offset < Self.maximumOffset
        else { return nil }
        self.table = table
        range = Int(table.offset)..<Int(table.offset + table.count * Self.headerSize)
    }

    /// Takes the bytes of the table; a wrong section makes all of them unknown.
    mutating func read(_ bytes: [UInt8]) {
        guard bytes.count == range.count else { return }
        let found = table.sections(in: bytes)
        let isPlausible = found.allSatisfy { max($0.offset, $0.size) < Self.maximumOffset }
        sections = isPlausible && found.count == Int(table.count) ? found : []
    }

    /// The place of the sections' names.
    var namesRange: Range<Int>? {
        guard !sections.isEmpty, sections[Int(table.namesIndex)].byteCount <= Self.maximumNames else { return nil }
        return sections[Int(table.namesIndex)].range
    }
}

extension ELF.Section {
    /// The bytes in the file.
    fileprivate var byteCount: UInt64 { type == Self.noBits ? 0 : size }

    /// The place in the file; both numbers are known to be small.
    fileprivate var range: Range<Int> { Int(offset)..<Int(offset + byteCount) }
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
    init?(_ elf: ELF, _ table: SectionList, names: [UInt8], fileSize: Int64) {
        let end = Int(clamping: Self.end(of: elf))
        var last = table.range.upperBound
        for section in table.sections where section.byteCount > 0 {
            last = max(last, section.range.upperBound)
            guard section.flags & Self.allocated == 0 else {
                if section.range.upperBound > end { return nil }
                continue
            }
            let name = names.dropFirst(Int(section.name)).prefix { $0 != 0 }
            let text = String(decoding: name, as: UTF8.self)
            let isKnown = Self.known.contains(text) || [".debug_", ".zdebug_"].contains { text.hasPrefix($0) }
            guard isKnown || section.range.upperBound <= end else { return nil }
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
