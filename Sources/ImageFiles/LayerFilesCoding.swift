internal import Linux
internal import OCI

// The form in which the facts of a layer are kept. Its version is part of the key, so another form is another file.

extension LayerFiles {
    /// The version of the form and of everything that reads files: raise it when an analysis finds more than before.
    static let version = 1

    /// The name of the rules that the facts depend on; nil if the facts are not kept: those of programs are large.
    static func key(_ wanted: WantedFacts) -> String? {
        wanted.readsPrograms ? nil : "\(version)\n\(wanted.search?.identity ?? "none")"
    }

    /// The facts as bytes.
    var kept: [UInt8] {
        var writer = FactsWriter()
        writer.write(list: entries) { writer, row in
            writer.write(row.entry)
            writer.write(optional: row.content?.hex)
        }
        writer.write(list: packedSizes) { $0.write($1.bitPattern) }
        writer.write(list: facts.sorted { $0.key < $1.key }) { writer, row in
            writer.write(row.key)
            writer.write(row.value)
        }
        return writer.bytes
    }

    /// Reads facts that ``kept`` returned.
    init(kept bytes: [UInt8]) throws(DamagedFacts) {
        var reader = FactsReader(bytes)
        let entries = try reader.list { (reader) throws(DamagedFacts) in
            (entry: try reader.entry(), content: try reader.digest())
        }
        let sizes = try reader.list { (reader) throws(DamagedFacts) in
            Float(bitPattern: try reader.integer(UInt32.self))
        }
        let facts = try reader.list { (reader) throws(DamagedFacts) in
            (try reader.integer(Int.self), try reader.facts())
        }
        guard reader.isAtEnd, sizes.count == entries.count, facts.allSatisfy({ entries.indices.contains($0.0) }) else {
            throw DamagedFacts()
        }
        self.init(entries: entries, facts: Dictionary(facts) { $1 }, packedSizes: sizes)
    }
}

// MARK: - Entries

extension FactsWriter {
    fileprivate mutating func write(_ entry: LayerEntry) {
        write(bytes: entry.path.bytes)
        switch entry.change {
        case .add(.directory): write(0)
        case .add(.file(let size)):
            write(1)
            write(size)
        case .add(.symlink(let target)):
            write(2)
            write(bytes: target)
        case .add(.characterDevice(let major, let minor)), .add(.blockDevice(let major, let minor)):
            if case .add(.characterDevice) = entry.change { write(3) } else { write(4) }
            write(major)
            write(minor)
        case .add(.fifo): write(5)
        case .link(let target):
            write(6)
            write(bytes: target.bytes)
        case .remove: write(7)
        case .clear: write(8)
        }
        let metadata = entry.metadata
        write(metadata.mode)
        write(metadata.uid)
        write(metadata.gid)
        write(metadata.mtime.seconds)
        write(metadata.mtime.nanoseconds)
        write(list: metadata.xattrs.sorted { $0.key < $1.key }) { writer, attribute in
            writer.write(attribute.key)
            writer.write(bytes: attribute.value)
        }
    }

    fileprivate mutating func write(_ facts: FileFacts) {
        write(list: [facts.text, facts.bytecode].map { $0.map { [$0] } ?? [] }) { writer, list in
            writer.write(list: list) { $0.write(bytes: $1) }
        }
        write(list: facts.npm.map { [$0] } ?? []) { writer, package in
            writer.write(package.name)
            writer.write(package.version)
            writer.write(optional: package.license)
        }
        write(list: facts.packages) { writer, package in
            writer.write(package.ecosystem.rawValue)
            writer.write(package.name)
            writer.write(package.version)
            writer.write(optional: package.license)
            writer.write(list: package.byteCount.map { [$0] } ?? []) { $0.write($1) }
        }
        write(list: facts.matches) { writer, match in
            writer.write(match.rule)
            writer.write(match.line)
            writer.write(optional: match.member)
        }
    }
}

extension FactsReader {
    fileprivate mutating func path() throws(DamagedFacts) -> ImagePath {
        let bytes = try bytes()
        if bytes.isEmpty { return .root }
        do { return try ImagePath(entry: bytes) } catch { throw DamagedFacts() }
    }

    fileprivate mutating func digest() throws(DamagedFacts) -> Digest? {
        guard let hex = try optionalText() else { return nil }
        do { return try Digest("sha256:\(hex)") } catch { throw DamagedFacts() }
    }

    fileprivate mutating func entry() throws(DamagedFacts) -> LayerEntry {
        let path = try path()
        let change = try change()
        var metadata = FileMetadata(
            mode: try integer(), uid: try integer(), gid: try integer(),
            mtime: FileTime(seconds: try integer(), nanoseconds: try integer()))
        let attributes = try list { (reader) throws(DamagedFacts) in (try reader.text(), Array(try reader.bytes())) }
        for (name, value) in attributes { metadata.xattrs[name] = value }
        return LayerEntry(path, change, metadata)
    }

    private mutating func change() throws(DamagedFacts) -> LayerEntry.Change {
        switch try number() {
        case 0: .add(.directory)
        case 1: .add(.file(size: try integer()))
        case 2: .add(.symlink(target: Array(try bytes())))
        case 3: .add(.characterDevice(major: try integer(), minor: try integer()))
        case 4: .add(.blockDevice(major: try integer(), minor: try integer()))
        case 5: .add(.fifo)
        case 6: .link(to: try path())
        case 7: .remove
        case 8: .clear
        default: throw DamagedFacts()
        }
    }

    fileprivate mutating func facts() throws(DamagedFacts) -> FileFacts {
        var facts = FileFacts()
        let texts = try list { (reader) throws(DamagedFacts) in
            try reader.list { (reader) throws(DamagedFacts) in Array(try reader.bytes()) }.first
        }
        guard texts.count == 2 else { throw DamagedFacts() }
        (facts.text, facts.bytecode) = (texts[0], texts[1])
        facts.npm = try list { (reader) throws(DamagedFacts) in
            NpmManifest(
                name: try reader.text(), version: try reader.text(), license: try reader.optionalText())
        }.first
        facts.packages = try list { (reader) throws(DamagedFacts) in try reader.package() }
        facts.matches = try list { (reader) throws(DamagedFacts) in
            TextSearch.Match(
                rule: try reader.text(), line: try reader.integer(), member: try reader.optionalText())
        }
        return facts
    }

    private mutating func package() throws(DamagedFacts) -> ListedPackage {
        guard let ecosystem = ListedPackage.Ecosystem(rawValue: try text()) else { throw DamagedFacts() }
        return ListedPackage(
            ecosystem, name: try text(), version: try text(), license: try optionalText(),
            byteCount: try list { (reader) throws(DamagedFacts) in try reader.integer(Int64.self) }.first)
    }
}
