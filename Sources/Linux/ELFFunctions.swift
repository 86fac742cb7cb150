/// The functions of an ELF file by their places in the file, from its symbol table.
///
/// `.symtab` is used if the file has one, else `.dynsym`, which only has what other files may call. Addresses in memory
/// come with the file's offset that is mapped there, so lookups are by offset.
public struct ELFFunctions: Sendable {
    private struct Function {
        let start: UInt64
        let end: UInt64
        /// The place of its name in ``names``.
        let name: UInt32
    }

    private var functions: [Function] = []
    private var names: [UInt8] = []
    private var segments: [ELF.Segment] = []

    /// The limit of symbols, which bounds the memory for any file.
    private static let maximumSymbols: UInt64 = 1 << 20
    private static let maximumNames: UInt64 = 1 << 27

    /// Reads the symbol table; a file without one, or with a damaged one, has no functions.
    ///
    /// - Throws: ``ELF/Fault`` for a file that is not ELF, or whose program headers are damaged.
    public init(_ bytes: [UInt8]) throws(ELF.Fault) {
        let file = try ELFBytes(bytes)
        segments = try file.segments().filter(\.isLoaded)
        let sections = (try? file.sections()) ?? []
        let tables = [ELF.Section.symbols, ELF.Section.dynamicSymbols].flatMap { type in
            sections.filter { $0.type == type }
        }
        guard let table = tables.first, Int(table.link) < sections.count else { return }
        try? read(table, names: sections[Int(table.link)], in: file)
        // Of several names of one place the longest function stays last, and is found first.
        functions.sort { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
    }

    /// Returns the name of the function that has the byte at an offset of the file; nil for none.
    public func name(atOffset offset: UInt64) -> String? {
        guard
            let segment = segments.first(where: { offset >= $0.offset && offset - $0.offset < $0.fileSize })
        else { return nil }
        let address = segment.virtualAddress &+ (offset - segment.offset)
        var (low, high) = (0, functions.count)
        while low < high {
            let middle = (low + high) / 2
            if functions[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address < functions[low - 1].end else { return nil }
        return String(decoding: names[Int(functions[low - 1].name)...].prefix { $0 != 0 }.prefix(512), as: UTF8.self)
    }

    private mutating func read(
        _ table: ELF.Section, names section: ELF.Section, in file: ELFBytes
    ) throws(ELF.Fault) {
        guard let range = file.range(section.offset, min(section.size, Self.maximumNames)) else { return }
        names = try file.bytes(range)
        let size: UInt64 = file.is64 ? 24 : 16
        for index in 0..<min(table.size / size, Self.maximumSymbols) {
            let symbol = table.offset &+ index * size
            let type = try file.byte(symbol &+ (file.is64 ? 4 : 12)) & 15
            let name = try file.int(symbol, "symbol table")
            let start = try file.word(symbol &+ (file.is64 ? 8 : 4), "symbol table")
            let length = try file.word(symbol &+ (file.is64 ? 16 : 8), "symbol table")
            let (end, overflow) = start.addingReportingOverflow(length)
            // 2 is a function, 10 a function that the loader chooses; a start of 0 is a function of another file.
            guard type == 2 || type == 10, start > 0, length > 0, !overflow, Int(name) < names.count else { continue }
            functions.append(Function(start: start, end: end, name: name))
        }
    }
}

extension ELFBytes {
    fileprivate func byte(_ offset: UInt64) throws(ELF.Fault) -> UInt8 {
        guard let range = range(offset, 1) else { throw .outside("symbol table") }
        return try bytes(range)[0]
    }
}
