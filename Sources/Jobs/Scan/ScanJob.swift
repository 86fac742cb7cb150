public import Analysis
public import Linux
public import OCI
public import SystemPackage

/// The job of `thaw scan`: the known vulnerabilities of an image's packages, by exports of OSV on this machine.
public struct ScanJob {
    private let store: Store

    private static let maximumDocument = 16 << 20
    private static let maximumArchive: Int64 = 4 << 30

    /// Makes a job on a store.
    public init(in store: Store) { self.store = store }

    /// Compares the packages of an image with the advisories of databases.
    ///
    /// - Parameter databases: Directories with JSON documents, or zips of them, as OSV exports them.
    public func scan(_ image: Image, databases: [FilePath]) async throws -> VulnerabilityScan {
        var scan = VulnerabilityScan(of: try await BillOfMaterials(of: image, keptIn: store))
        for database in databases {
            let before = scan.advisoryCount
            let start = scan
            scan = try await Offload.run {
                var scan = start
                try Self.read(database, into: &scan)
                return scan
            }
            guard scan.advisoryCount > before else {
                throw Failure(
                    "the database '\(database)' has no advisory of OSV",
                    remedy: "a database is a directory or a zip of JSON documents in OSV's format", status: .usage)
            }
        }
        scan.finish()
        return scan
    }

    private static func read(_ path: FilePath, into scan: inout VulnerabilityScan) throws {
        let file = try OwnedDescriptor(path, [.read, .nonBlocking])
        switch try file.status().type {
        case .directory: try read(Directory(path), into: &scan)
        case .regular:
            let bytes = try file.readAll(limit: Int(maximumArchive))
            NestedFiles.read(in: bytes, limit: maximumDocument, total: .max) {
                $0.hasSuffix(".json")
            } body: {
                scan.take($1)
            }
        default: throw Failure("the database '\(path)' is neither a directory nor a zip", status: .usage)
        }
    }

    /// Reads the documents of a directory and of those below, in the order of their names.
    private static func read(_ directory: Directory, into scan: inout VulnerabilityScan) throws {
        for entry in try directory.entries().sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            let name = FilePath(bytes: entry.name)
            switch try directory.status(of: name).type {
            case .directory: try read(directory.directory(name), into: &scan)
            case .regular where name.extension == "json":
                scan.take(try directory.contents(of: name, limit: maximumDocument))
            default: continue
            }
        }
    }
}

extension VulnerabilityScan {
    /// True if a match is at least as severe as `severity`.
    public func fails(on severity: CVSSRating?) -> Bool {
        severity.map { least in matches.contains { $0.severity >= least } } ?? false
    }

    /// The document of `--format json`.
    public func document(of image: Image, named name: String) -> JSON {
        .document(
            "scan",
            [
                "image": .strings(["reference": name, "digest": image.descriptor.digest.description]),
                "advisories": .integer(Int64(advisoryCount)), "ecosystems": .strings(ecosystems.sorted()),
                "matches": .array(matches.map(\.json)),
            ])
    }

    /// The SARIF 2.1.0 log; a result has the name of the image as its place.
    public func sarif(of name: String, version: String) -> JSON {
        let ids = Set(matches.map(\.id)).sorted()
        let places = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
        let summaries = Dictionary(matches.map { ($0.id, $0.summary) }) { first, _ in first }
        return .sarifLog(
            version: version, rules: ids.map { Self.rule($0, summaries[$0] ?? "") },
            results: matches.map { $0.sarif(index: places[$0.id] ?? 0, image: name) })
    }

    private static func rule(_ id: String, _ summary: String) -> JSON {
        ["id": .string(id), "shortDescription": ["text": .string(summary.isEmpty ? id : summary.visibleLine)]]
    }
}

extension VulnerabilityScan.VulnerablePackage {
    fileprivate var json: JSON {
        .object([
            "id": .string(id), "aliases": .strings(aliases), "summary": .string(summary),
            "severity": .string(severity.rawValue), "fixed": fixed.map { .string($0) } ?? .null,
            "package": .object([
                "manager": .string(package.manager.rawValue), "name": .string(package.name),
                "version": .string(package.version), "layer": .integer(Int64(package.layer)),
            ]),
        ])
    }

    fileprivate func sarif(index: Int, image: String) -> JSON {
        let level = severity >= .high ? "error" : severity == .medium ? "warning" : "note"
        let fix = fixed.map { "; fixed in \($0)" } ?? "; not fixed yet"
        let text = "\(image): \(package.name) \(package.version) (\(package.manager.rawValue), layer \(package.layer)) "
        return [
            "ruleId": .string(id), "ruleIndex": .integer(Int64(index)), "level": .string(level),
            "message": ["text": .string((text + "is affected by \(id)" + fix).visibleLine.sarifText)],
            "locations": [
                [
                    "logicalLocations": [
                        [
                            "name": .string(package.name),
                            "fullyQualifiedName": .string("\(image)/\(package.name)".visibleLine),
                        ]
                    ]
                ]
            ],
            "partialFingerprints": ["thawScan/v1": .string("\(id)/\(package.manager.rawValue)/\(package.name)")],
        ]
    }
}
