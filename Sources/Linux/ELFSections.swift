extension ELF {
    /// A section of a file.
    public struct Section: Sendable, Equatable {
        /// The place of its name in the table of names.
        public let name: UInt32
        /// `sh_type`, `sh_flags`, `sh_offset` and `sh_link`.
        public let type: UInt32
        public let flags: UInt64
        public let offset: UInt64
        public let link: UInt32
        /// `sh_size`; a section of type ``noBits`` has no bytes in the file.
        public let size: UInt64

        /// `SHT_SYMTAB`, `SHT_NOTE`, `SHT_NOBITS` and `SHT_DYNSYM`.
        public static let symbols: UInt32 = 2
        public static let notes: UInt32 = 7
        public static let noBits: UInt32 = 8
        public static let dynamicSymbols: UInt32 = 11
    }

    /// The place and the form of a file's section headers, by its own header.
    public struct SectionTable: Sendable, Equatable {
        /// The place of the first header.
        public let offset: UInt64
        /// The size of a header, as the file says: `e_shentsize`.
        public let entrySize: UInt64
        public let count: UInt64
        /// The index of the section with the names.
        public let namesIndex: UInt64
        private let is64: Bool
        private let isBigEndian: Bool

        init(_ file: ELFBytes) throws(Fault) {
            let what = "section headers"
            (is64, isBigEndian) = (file.is64, file.isBigEndian)
            offset = try file.word(is64 ? 40 : 32, what)
            entrySize = try UInt64(file.half(is64 ? 58 : 46, what))
            count = try UInt64(file.half(is64 ? 60 : 48, what))
            namesIndex = try UInt64(file.half(is64 ? 62 : 50, what))
        }

        /// Reads a file's header, its first 64 bytes.
        ///
        /// - Throws: ``ELF/Fault`` if it is none.
        public init(header: [UInt8]) throws(Fault) { try self.init(ELFBytes(header)) }

        /// Decodes the headers in the bytes of the table; those that are incomplete are left out.
        public func sections(in table: [UInt8]) -> [Section] {
            let bytes = ELFBytes(table, is64: is64, isBigEndian: isBigEndian)
            return (0..<min(count, bytes.count / bytes.sectionSize)).compactMap {
                try? bytes.section(at: $0 * bytes.sectionSize)
            }
        }
    }
}

extension ELFBytes {
    /// The size of a section's header.
    fileprivate var sectionSize: UInt64 { is64 ? 64 : 40 }

    /// Reads the section headers; a file may have none, and the loader doesn't use them.
    ///
    /// - Returns: None also for a table that is not within the file.
    func sections() throws(ELF.Fault) -> [ELF.Section] {
        let table: ELF.SectionTable
        do { table = try ELF.SectionTable(self) } catch {
            guard case .outside = error else { throw error }
            return []
        }
        guard table.offset > 0, let range = range(table.offset, sectionSize * table.count) else { return [] }
        return table.sections(in: try bytes(range))
    }

    fileprivate func section(at header: UInt64) throws(ELF.Fault) -> ELF.Section {
        let what = "section headers"
        return try ELF.Section(
            name: int(header, what), type: int(header + 4, what), flags: word(header + 8, what),
            offset: word(header + (is64 ? 24 : 16), what), link: int(header + (is64 ? 40 : 24), what),
            size: word(header + (is64 ? 32 : 20), what))
    }
}
