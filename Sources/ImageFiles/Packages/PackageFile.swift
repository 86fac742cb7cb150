internal import Linux
internal import OCI

/// A file that lists packages, besides the databases of distributions; by its path.
enum PackageFile: Equatable {
    /// `METADATA` of a wheel, `PKG-INFO` of an egg, or an egg-info file.
    case pythonMetadata
    case condaRecord, gemSpecification, composerList, npmLock, dotnetDependencies
    case javaArchive

    init?(_ path: ImagePath) {
        let (name, directory) = (path.name, path.parent.name)
        switch name.text {
        case "METADATA" where directory.hasSuffix(".dist-info"): self = .pythonMetadata
        case "PKG-INFO" where directory.hasSuffix(".egg-info") || directory.elementsEqual("EGG-INFO".utf8):
            self = .pythonMetadata
        case "installed.json" where directory.elementsEqual("composer".utf8): self = .composerList
        case "package-lock.json", "npm-shrinkwrap.json": self = .npmLock
        default:
            guard let kind = Self.byEnding(name, directory) else { return nil }
            self = kind
        }
    }

    private static func byEnding(_ name: ArraySlice<UInt8>, _ directory: ArraySlice<UInt8>) -> PackageFile? {
        if name.hasSuffix(".json") {
            if directory.elementsEqual("conda-meta".utf8) { return .condaRecord }
            return name.hasSuffix(".deps.json") ? .dotnetDependencies : nil
        }
        if name.hasSuffix(".egg-info") { return .pythonMetadata }
        if name.hasSuffix(".gemspec") {
            return directory.elementsEqual("specifications".utf8) ? .gemSpecification : nil
        }
        return JavaArchive.isArchive(name) ? .javaArchive : nil
    }

    /// The size of the largest file that is read.
    var maximumSize: Int64 { self == .javaArchive ? 64 << 20 : 16 << 20 }

    /// Returns the packages in a file; a file that its own tool can't read has none.
    func packages(in bytes: [UInt8], at path: ImagePath) -> [ListedPackage] {
        switch self {
        case .pythonMetadata: Self.python(bytes).map { [$0] } ?? []
        case .condaRecord: Self.conda(bytes).map { [$0] } ?? []
        case .gemSpecification: Self.gem(bytes, path.name).map { [$0] } ?? []
        case .composerList: Self.composer(bytes)
        case .npmLock: Self.npm(bytes)
        case .dotnetDependencies: Self.dotnet(bytes)
        case .javaArchive: JavaArchive.packages(in: bytes, named: path.name.text)
        }
    }
}

// MARK: - Formats

extension PackageFile {
    /// Reads the headers of Python's core metadata.
    private static func python(_ bytes: [UInt8]) -> ListedPackage? {
        var values: [String: String] = [:]
        for line in ByteLines(bytes[...]) {
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line.first != UInt8(ascii: " ") else { continue }
            let name = line[..<colon].text
            if values[name] == nil { values[name] = line[(colon + 1)...].trimmed.text }
        }
        guard let name = values["Name"], let version = values["Version"] else { return nil }
        let license = values["License-Expression"] ?? values["License"].flatMap { $0 == "UNKNOWN" ? nil : $0 }
        return ListedPackage(.python, name: name, version: version, license: license)
    }

    private static func conda(_ bytes: [UInt8]) -> ListedPackage? {
        guard let json = try? JSON(parsing: bytes), let name = json["name"]?.string,
            let version = json["version"]?.string
        else { return nil }
        return ListedPackage(
            .conda, name: name, version: version, license: json["license"]?.string, byteCount: json["size"]?.integer)
    }

    /// Reads the assignments of a specification, which is Ruby that RubyGems itself writes.
    private static func gem(_ bytes: [UInt8], _ file: ArraySlice<UInt8>) -> ListedPackage? {
        var values: [String: String] = [:]
        for line in ByteLines(bytes[...]) {
            let text = line.trimmed.text
            guard text.hasPrefix("s."), let equals = text.firstIndex(of: "=") else { continue }
            let key = text[text.index(text.startIndex, offsetBy: 2)..<equals].filter { $0 != " " }
            let value = text[equals...].split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first
            if values[key] == nil, let value { values[key] = String(value) }
        }
        guard let name = values["name"], let version = values["version"] else { return nil }
        return ListedPackage(.gem, name: name, version: version, license: values["licenses"] ?? values["license"])
    }

    private static func composer(_ bytes: [UInt8]) -> [ListedPackage] {
        guard let json = try? JSON(parsing: bytes) else { return [] }
        return (json["packages"]?.array ?? json.array ?? []).compactMap { row in
            guard let name = row["name"]?.string, let version = row["version"]?.string else { return nil }
            return ListedPackage(
                .composer, name: name, version: version,
                license: row["license"]?.strings?.joined(separator: " OR "))
        }
    }

    /// Reads `packages` of the versions 2 and 3, or `dependencies` of version 1.
    private static func npm(_ bytes: [UInt8]) -> [ListedPackage] {
        guard let json = try? JSON(parsing: bytes) else { return [] }
        if let rows = json["packages"]?.object {
            return rows.compactMap { path, row in
                guard let place = path.ranges(of: "node_modules/").last, row["link"]?.bool != true,
                    let version = row["version"]?.string
                else { return nil }
                let name = row["name"]?.string ?? String(path[place.upperBound...])
                return ListedPackage(.npm, name: name, version: version, license: row["license"]?.string)
            }
        }
        return (json["dependencies"]?.object ?? [:]).compactMap { name, row in
            row["version"]?.string.map { ListedPackage(.npm, name: name, version: $0) }
        }
    }

    private static func dotnet(_ bytes: [UInt8]) -> [ListedPackage] {
        let libraries = (try? JSON(parsing: bytes))?["libraries"]?.object ?? [:]
        return libraries.compactMap { key, row in
            let parts = key.split(separator: "/")
            guard parts.count == 2, row["type"]?.string == "package" else { return nil }
            return ListedPackage(.nuget, name: String(parts[0]), version: String(parts[1]))
        }
    }
}
