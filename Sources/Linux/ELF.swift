// The content of an ELF file's headers (System V ABI, chapters 4 and 5; ld.so(8)).
//
// ```
// ELF header -> program headers -> PT_INTERP   the loader's path
//                               -> PT_DYNAMIC  needed, rpath, runpath, soname, ... as offsets into DT_STRTAB
//                               -> PT_NOTE     owner, type, description
//            -> section headers -> SHT_NOTE    the same for notes that are not loaded
// ```
// The one ELF parser: slimming follows its libraries, the machine loads kernels by its segments. The bytes are hostile:
// every offset is checked before its use, and the memory that a file can make us allocate is limited.

/// The headers and dynamic section of an ELF file, of which only the parts that are needed are in memory.
public struct ELF: Hashable, Sendable {
    /// Word size.
    public enum Class: UInt8, Sendable {
        case bits32 = 1
        case bits64 = 2
    }

    /// The type of the file (e_type).
    public enum FileType: Hashable, Sendable {
        case relocatable, executable, shared, core
        case other(UInt16)
    }

    /// A program header.
    public struct Segment: Hashable, Sendable {
        /// PT_LOAD is 1, PT_DYNAMIC 2, PT_INTERP 3, PT_NOTE 4.
        public let type: UInt32
        /// Executable 1, writable 2, readable 4.
        public let flags: UInt32
        /// The offset in the file (p_offset).
        public let offset: UInt64
        /// The virtual address (p_vaddr).
        public let virtualAddress: UInt64
        /// The physical address at which a kernel is loaded (p_paddr).
        public let physicalAddress: UInt64
        /// Bytes in the file.
        public let fileSize: UInt64
        /// Bytes in memory.
        public let memorySize: UInt64

        /// True if it is mapped (PT_LOAD).
        public var isLoaded: Bool { type == 1 }
        /// True if the program may write to it (PF_W).
        public var isWritable: Bool { flags & 2 != 0 }
    }

    /// A note: its owner, its type, and its bytes.
    public struct Note: Hashable, Sendable {
        /// `GNU`, `FDO`, `Xen`.
        public let owner: String
        /// The type, whose meaning depends on the owner.
        public let type: UInt32
        /// The content.
        public let content: [UInt8]
    }

    /// The reason for which bytes aren't a readable ELF file.
    public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case notELF
        case unknownClass(UInt8)
        case unknownByteOrder(UInt8)
        case outside(String)
        /// The file could not be read, for a reason that is not in it.
        case unreadable(SystemError)

        public var description: String {
            switch self {
            case .notELF: "is not an ELF file"
            case .unknownClass(let value): "has the unknown ELF class \(value)"
            case .unknownByteOrder(let value): "has the unknown byte order \(value)"
            case .outside(let what): "has its \(what) outside the file"
            case .unreadable(let error): "cannot be read: \(error)"
            }
        }
    }

    /// Word size.
    public let `class`: Class
    /// True for big-endian numbers.
    public let isBigEndian: Bool
    /// EM_X86_64 is 62, EM_AARCH64 183.
    public let machine: UInt16
    /// The type of the file.
    public let type: FileType
    /// The entry point's address (e_entry).
    public let entry: UInt64
    /// Its program headers, in order.
    public let segments: [Segment]
    /// The loader's path (PT_INTERP).
    public private(set) var interpreter: [UInt8]?
    /// True if there is a dynamic section: a static file has none, a static PIE has one without a loader.
    public private(set) var isDynamic = false
    /// The names of the libraries that it needs, in order (DT_NEEDED).
    public private(set) var needed: [[UInt8]] = []
    /// The library's own name (DT_SONAME).
    public private(set) var soname: [UInt8]?
    /// The library directories of DT_RPATH, unexpanded.
    public private(set) var rpath: [[UInt8]] = []
    /// The library directories of DT_RUNPATH, unexpanded.
    public private(set) var runpath: [[UInt8]] = []
    /// Libraries that provide its symbols instead of itself (DT_AUXILIARY, DT_FILTER).
    public private(set) var filters: [[UInt8]] = []
    /// Auditing libraries (DT_AUDIT, DT_DEPAUDIT).
    public private(set) var audits: [[UInt8]] = []
    /// True if the loader must not search the default directories (DF_1_NODEFLIB).
    public private(set) var ignoresDefaultDirectories = false
    /// All notes.
    public private(set) var notes: [Note] = []
    /// The range of the dynamic section's string table in the file.
    private var stringTable: Range<UInt64> = 0..<0
    /// Strings in read-only data that look like names of shared libraries, in order of appearance.
    ///
    /// Strings of the dynamic section's string table are not included.
    public private(set) var libraryTexts: [[UInt8]] = []
    /// The known functions among the names of its dynamic symbols, imported or exported.
    public private(set) var symbols: Set<Symbol> = []
    /// Strings in read-only data that may be commands or character sets, if it can use such.
    public private(set) var commandTexts: [[UInt8]] = []

    /// Parses a file in memory.
    public init(_ bytes: [UInt8]) throws(Fault) { try self.init(parsing: ELFBytes(bytes)) }

    /// Parses a file by its parts.
    public init(reading file: some ELFSource) throws(Fault) { try self.init(parsing: ELFBytes(file)) }

    private init(parsing file: ELFBytes) throws(Fault) {
        try self.init(header: file)
        interpreter = try segments.first { $0.type == 3 }.map { segment throws(Fault) in
            try file.text(at: segment.offset, limit: segment.fileSize, "interpreter")
        }
        try readDynamic(file)
        notes = try file.notes(in: segments)
        libraryTexts = try file.libraryTexts(in: segments, without: stringTable)
        symbols = try file.symbols(in: stringTable)
        let usesTexts = symbols.contains { $0.runsPrograms || $0 == .iconvOpen }
        if usesTexts, !symbols.contains(where: \.isOfInterpreter), soname?.elementsEqual("libc.so.6".utf8) != true {
            commandTexts = try file.commandTexts(in: segments, without: stringTable)
        }
    }

    /// Parses only the header and the program headers, from the first bytes of a file that may be large.
    ///
    /// - Throws: ``Fault/outside(_:)`` if the program headers are beyond these bytes.
    public init(start bytes: [UInt8]) throws(Fault) {
        try self.init(header: ELFBytes(bytes))
    }

    private init(header file: ELFBytes) throws(Fault) {
        self.class = file.is64 ? .bits64 : .bits32
        isBigEndian = file.isBigEndian
        machine = try file.half(18, "header")
        type = try FileType(file.half(16, "header"))
        entry = try file.word(24, "header")
        segments = try file.segments()
    }

    /// Parses the notes of a PT_NOTE segment of this file; stops at a malformed note.
    public func notes(parsing segment: [UInt8]) -> [Note] {
        // Bytes in memory are always readable.
        (try? ELFBytes(segment, is64: self.class == .bits64, isBigEndian: isBigEndian).notes()) ?? []
    }

    /// True if the bytes start with ELF's magic number.
    public static func isELF(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: ELFBytes.magic) }

    /// The contents of `.note.dlopen`: JSON with libraries loaded at run time (UAPI Group, ELF dlopen metadata).
    public var dlopenNotes: [[UInt8]] {
        notes.filter { $0.owner == "FDO" && $0.type == 0x407c_0c0a }.map(\.content)
    }
}

extension ELF.FileType {
    init(_ value: UInt16) {
        switch value {
        case 1: self = .relocatable
        case 2: self = .executable
        case 3: self = .shared
        case 4: self = .core
        default: self = .other(value)
        }
    }
}

// MARK: - Dynamic section

extension ELF {
    /// The tags that are read.
    private enum Tag: UInt64 {
        case end = 0
        case needed = 1
        case stringTable = 5
        case stringSize = 10
        case soname = 14
        case rpath = 15
        case runpath = 29
        case depaudit = 0x6fff_fefb
        case audit = 0x6fff_fefc
        case flags1 = 0x6fff_fffb
        case auxiliary = 0x7fff_fffd
        case filter = 0x7fff_ffff
    }

    /// The limit of string entries: more than any linker writes; it bounds a file's memory use.
    private static let maximumStrings = 4096

    private mutating func readDynamic(_ file: ELFBytes) throws(Fault) {
        guard let segment = segments.first(where: { $0.type == 2 }) else { return }
        isDynamic = true
        var entries: [(tag: Tag, value: UInt64)] = []
        for (number, value) in try file.dynamicEntries(segment) {
            guard let tag = Tag(rawValue: number) else { continue }
            if tag == .end { break }
            entries.append((tag, value))
            if entries.count > Self.maximumStrings { break }
        }
        if entries.contains(where: { $0.tag == .flags1 && $0.value & 0x800 != 0 }) { ignoresDefaultDirectories = true }
        guard let address = entries.first(where: { $0.tag == .stringTable })?.value,
            let table = file.offset(of: address, in: segments)
        else { return }
        let size = entries.first { $0.tag == .stringSize }?.value ?? file.count
        stringTable = file.range(table, size) ?? 0..<0
        for (tag, value) in entries {
            switch tag {
            case .needed, .soname, .rpath, .runpath, .audit, .depaudit, .auxiliary, .filter:
                try add(file.string(value, table: table, size: size), as: tag)
            case .end, .stringTable, .stringSize, .flags1: continue
            }
        }
    }

    private mutating func add(_ text: [UInt8], as tag: Tag) {
        switch tag {
        case .needed: needed.append(text)
        case .soname: soname = text
        case .rpath: rpath += Self.list(text)
        case .runpath: runpath += Self.list(text)
        case .audit, .depaudit: audits += Self.list(text)
        case .auxiliary, .filter: filters.append(text)
        case .end, .stringTable, .stringSize, .flags1: break
        }
    }

    private static func list(_ text: [UInt8]) -> [[UInt8]] { text.split(separator: UInt8(ascii: ":")).map(Array.init) }
}
