internal import OCI

/// The packages in a jar, war or ear, and in the archives inside of it.
enum JavaArchive {
    private static let endings: [StaticString] = [".jar", ".war", ".ear"]
    /// The archives inside of an archive that are read: a war has jars, an ear has wars.
    private static let depth = 2
    private static let maximumMember = 64 << 20
    private static let maximumUnpacked: Int64 = 512 << 20

    /// True for the name of an archive.
    static func isArchive(_ name: some RandomAccessCollection<UInt8>) -> Bool {
        endings.contains { name.hasSuffix($0) }
    }

    /// Returns the packages of an archive with this file name.
    static func packages(in bytes: [UInt8], named file: String) -> [ListedPackage] {
        packages(in: bytes, named: file, depth: depth)
    }

    private static func packages(in bytes: [UInt8], named file: String, depth: Int) -> [ListedPackage] {
        var found: [ListedPackage] = []
        var manifest: [UInt8] = []
        var inner: [ListedPackage] = []
        NestedFiles.read(in: bytes, limit: maximumMember, total: maximumUnpacked) { name in
            name == "META-INF/MANIFEST.MF" || isMavenFile(name) || depth > 0 && isArchive(Array(name.utf8))
        } body: { name, content in
            if isMavenFile(name) {
                if let package = maven(content) { found.append(package) }
            } else if name == "META-INF/MANIFEST.MF" {
                manifest = content
            } else {
                let last = name.split(separator: "/").last.map(String.init) ?? name
                inner += packages(in: content, named: last, depth: depth - 1)
            }
        }
        if found.isEmpty, let own = package(of: manifest, named: file, bytes.count) { found = [own] }
        return found + inner
    }

    private static func isMavenFile(_ name: String) -> Bool {
        name.hasPrefix("META-INF/maven/") && name.hasSuffix("/pom.properties")
    }

    /// Reads `pom.properties`; a package has the name `GROUP/ARTIFACT`.
    private static func maven(_ bytes: [UInt8]) -> ListedPackage? {
        var values: [String: String] = [:]
        for line in ByteLines(bytes[...]) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            values[line[..<equals].trimmed.text] = line[(equals + 1)...].trimmed.text
        }
        guard let group = values["groupId"], let artifact = values["artifactId"], let version = values["version"] else {
            return nil
        }
        return ListedPackage(.maven, name: "\(group)/\(artifact)", version: version)
    }

    /// Reads a manifest; without a version in it, that of the file name counts.
    private static func package(of manifest: [UInt8], named file: String, _ size: Int) -> ListedPackage? {
        let values = values(manifest)
        let stem = file.prefix(upTo: file.lastIndex(of: ".") ?? file.endIndex)
        let parts = stem.split(separator: "-")
        let split = parts.dropFirst().firstIndex { $0.first?.isNumber ?? false }
        let name = split.map { parts[..<$0].joined(separator: "-") } ?? String(stem)
        let version =
            split.map { parts[$0...].joined(separator: "-") } ?? values["Implementation-Version"]
            ?? values["Bundle-Version"]
        guard let version, !name.isEmpty, !version.isEmpty else { return nil }
        let group = values["Implementation-Vendor-Id"].map { "\($0)/" } ?? ""
        return ListedPackage(
            .maven, name: group + name, version: version, license: values["Bundle-License"], byteCount: Int64(size))
    }

    /// Returns the main attributes of a manifest, of which long lines continue after a blank.
    private static func values(_ manifest: [UInt8]) -> [String: String] {
        var values: [String: String] = [:]
        var key = ""
        for line in ByteLines(manifest[...]) {
            if line.isEmpty { break }
            if line.first == UInt8(ascii: " ") {
                values[key]? += line.dropFirst().text
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                key = line[..<colon].text
                values[key] = line[(colon + 1)...].trimmed.text
            }
        }
        return values
    }
}
