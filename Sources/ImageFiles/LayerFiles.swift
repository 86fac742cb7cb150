internal import Linux
internal import OCI

/// The facts that a caller needs.
struct WantedFacts: Sendable {
    let search: TextSearch?
    let readsPrograms: Bool
}

/// The facts about the content of one file.
struct FileFacts: Sendable {
    var elf: ELF?
    var script: Script?
    var text: [UInt8]?
    var bytecode: [UInt8]?
    var npm: NpmManifest?
    var source: SourceFacts?
    var matches: [TextSearch.Match] = []

    var isEmpty: Bool {
        elf == nil && script == nil && source == nil && text == nil && bytecode == nil && npm == nil && matches.isEmpty
    }
}

/// The entries of one layer and the facts about its files, read in one pass.
struct LayerFiles: Sendable {
    /// The entries in the order of the tar, with the digest of each regular file.
    private(set) var entries: [(entry: LayerEntry, content: Digest?)] = []
    /// The facts by the number of the entry.
    private(set) var facts: [Int: FileFacts] = [:]
    /// The compressed bytes of each entry.
    private(set) var packedSizes: [Float] = []

    /// The limit of all texts of a layer in bytes; no distribution's databases come near it.
    private static let maximumTexts = 256 << 20

    init(of layer: Layer, in image: Image, _ wanted: WantedFacts) throws {
        let map = CompressionMap()
        let reader = try image.open(layer, recording: map)
        var textBytes = 0
        while let entry = try reader.next() {
            let start = reader.headerOffset
            defer { packedSizes.append(Float(map.packedBytes(from: start, to: reader.offset))) }
            guard case .add(.file(let size)) = entry.change else {
                entries.append((entry, nil))
                continue
            }
            var file = FileReading(entry, size: size, wanted)
            try reader.readContent { try file.receive($0) }
            let (digest, found) = try file.finish()
            if !found.isEmpty { facts[entries.count] = found }
            entries.append((entry, digest))
            textBytes += found.text?.count ?? 0
            guard textBytes <= Self.maximumTexts else {
                throw OCIError.invalidImage(
                    "the package databases of layer \(layer.descriptor.digest) exceed \(Self.maximumTexts >> 20) MiB")
            }
        }
    }
}

/// The reading of one file's content as it arrives.
private struct FileReading {
    private static let maximumScript: Int64 = 256 << 10
    /// Larger ELF files count as plain data, which bounds the size of the temporary file.
    private static let maximumELF: Int64 = 16 << 30

    private let path: ImagePath
    private let size: Int64
    private let isExecutable: Bool
    private let wanted: WantedFacts
    private let known: KnownFile?
    private var scan: (any ContentScan)?
    private let isBytecode: Bool
    private let sourceKind: SourceFacts.Kind?

    private var hasher = Digest.Hasher()
    /// The first bytes of the file, as many as any reader needs.
    private var bytes: [UInt8] = []
    private var limit: Int
    /// The whole of an ELF file.
    private var elf: SpooledBytes?
    /// True once the type of the file is known, or if no caller needs it.
    private var isSniffed: Bool

    init(_ entry: LayerEntry, size: Int64, _ wanted: WantedFacts) {
        path = entry.path
        self.size = size
        self.wanted = wanted
        isExecutable = entry.metadata.mode & 0o111 != 0
        known = KnownFile(path).flatMap { $0.accepts(size) ? $0 : nil }
        scan = wanted.search?.start(path, size)
        isBytecode = PythonBytecode.isCompiled(path)
        isSniffed = !wanted.readsPrograms
        sourceKind = wanted.readsPrograms && size <= SourceFacts.Kind.maximumSize ? SourceFacts.Kind(path) : nil
        limit = known != nil || sourceKind != nil ? Int(size) : isBytecode ? PythonBytecode.headerSize : 4
    }

    mutating func receive(_ chunk: ArraySlice<UInt8>) throws {
        hasher.update(chunk)
        scan?.receive(chunk)
        if let elf { return try elf.append(chunk) }
        let earlier = isSniffed ? [] : bytes
        if bytes.count < limit { bytes += chunk.prefix(limit - bytes.count) }
        // Four bytes identify a file's type, and may arrive in several chunks.
        guard !isSniffed, bytes.count >= 4 else { return }
        isSniffed = true
        if ELF.isELF(bytes), size <= Self.maximumELF {
            elf = SpooledBytes()
            try elf?.append(earlier[...])
            try elf?.append(chunk)
        } else if isExecutable, size <= Self.maximumScript, bytes.starts(with: "#!".utf8) {
            limit = Int(size)
            bytes = earlier + chunk
        }
    }

    /// Returns the digest and the facts at the end of the file.
    consuming func finish() throws -> (Digest, FileFacts) {
        let digest = hasher.finalize()
        var facts = FileFacts()
        if isBytecode { facts.bytecode = Array(bytes.prefix(PythonBytecode.headerSize)) }
        facts.matches = scan?.finish() ?? []
        if let elf {
            facts.elf = try Self.parse(elf)
            return (digest, facts)
        }
        switch known {
        case .npmManifest: facts.npm = NpmManifest(bytes)
        case .database, .text: facts.text = bytes
        case nil: break
        }
        if wanted.readsPrograms, isExecutable, bytes.count == size, size <= Self.maximumScript {
            facts.script = Script(bytes)
        }
        if let kind = sourceKind ?? (facts.script == nil ? nil : SourceFacts.Kind(script: bytes)) {
            let source = SourceFacts(bytes, kind)
            if !source.isEmpty { facts.source = source }
        }
        return (digest, facts)
    }

    /// Parses an ELF file; nil for one that only begins like ELF, which no loader accepts.
    private static func parse(_ file: SpooledBytes) throws -> ELF? {
        do throws(ELF.Fault) {
            return try ELF(reading: file)
        } catch {
            if case .unreadable(let cause) = error { throw cause }
            return nil
        }
    }
}
