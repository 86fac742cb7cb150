internal import Linux
internal import OCI

/// A package that a package manager installed and that still exists.
public struct Package: Sendable, Hashable {
    public enum Manager: String, Sendable, CaseIterable {
        case apk, dpkg, npm, python
    }

    public let manager: Manager
    public let name: String
    /// The version, as written.
    public let version: String
    /// The bytes of its files if the manager lists them, or else the manager's own number.
    public let bytes: Int64
    /// The first layer that had it in this version.
    public let layer: Int
}

/// A reader of the package databases in an image.
///
/// It reads Debian's status file or distroless' status.d, Alpine's `installed`, Python's `*.dist-info` and npm's
/// `node_modules`. It gets one database file after another, lowest layer first, and keeps their entries, never the
/// files.
struct PackageScanner {
    private struct Stanza {
        var name = ""
        var version = ""
        var kilobytes: Int64 = 0
        var bytes: Int64 = 0
        var isInstalled = true
    }

    private struct Release: Hashable {
        let name: String
        let version: String
    }

    /// The kind of a database file.
    enum Role {
        case dpkgStatus, dpkgPart, dpkgList(package: String), dpkgSums(package: String)
        case apkInstalled
        case pythonRecord
        case npmManifest
    }

    private let tree: FileTree
    private var firstLayer: [Release: Int] = [:]
    private var debian: [String: Stanza] = [:]
    private var debianBytes: [String: Int64] = [:]
    private var alpine: [String: Stanza] = [:]
    private var others: [Package] = []

    init(_ tree: FileTree) { self.tree = tree }

    /// All packages, by manager and name.
    var packages: [Package] {
        let dpkg = debian.values.map { stanza in
            package(.dpkg, stanza, bytes: debianBytes[stanza.name] ?? stanza.kilobytes * 1024)
        }
        let apk = alpine.values.map { package(.apk, $0, bytes: $0.bytes) }
        return (dpkg + apk + others).sorted {
            ($0.manager.rawValue, $0.name, $0.version, $0.layer) < ($1.manager.rawValue, $1.name, $1.version, $1.layer)
        }
    }

    private func package(_ manager: Package.Manager, _ stanza: Stanza, bytes: Int64) -> Package {
        let layer = firstLayer[Release(name: stanza.name, version: stanza.version)] ?? 0
        return Package(
            manager: manager, name: stanza.name, version: stanza.version, bytes: max(0, bytes), layer: layer)
    }
}

// MARK: - Database files

extension PackageScanner {
    /// Returns the kind of a database file by its path, or nil.
    ///
    /// Of deleted files only the status files of lower layers matter: they show which layer installed what.
    static func role(of path: ImagePath, isLive: Bool) -> Role? {
        let bytes = path.bytes
        if bytes.hasPrefix("var/lib/dpkg/") { return dpkgRole(of: path, isLive: isLive) }
        if bytes.hasPrefix("lib/apk/db/installed") || bytes.hasPrefix("usr/lib/apk/db/installed") {
            return .apkInstalled
        }
        guard isLive else { return nil }
        if bytes.hasSuffix(".dist-info/RECORD") { return .pythonRecord }
        if bytes.hasSuffix("/package.json"), isPackageRoot(path.parent) { return .npmManifest }
        return nil
    }

    private static func dpkgRole(of path: ImagePath, isLive: Bool) -> Role? {
        let name = path.name
        switch path.parent.bytes.text {
        case "var/lib/dpkg": return name.elementsEqual("status".utf8) ? .dpkgStatus : nil
        case "var/lib/dpkg/status.d":
            guard isLive else { return nil }
            return name.hasSuffix(".md5sums") ? .dpkgSums(package: name.dropLast(".md5sums".count).text) : .dpkgPart
        case "var/lib/dpkg/info":
            guard isLive, name.hasSuffix(".list") else { return nil }
            let package = name.dropLast(".list".count)
            return .dpkgList(package: package.prefix { $0 != UInt8(ascii: ":") }.text)
        default: return nil
        }
    }

    /// True for `…/node_modules/NAME` and `…/node_modules/@SCOPE/NAME`.
    private static func isPackageRoot(_ directory: ImagePath) -> Bool {
        let above = directory.parent.name
        if above.elementsEqual("node_modules".utf8) { return true }
        return above.first == UInt8(ascii: "@") && directory.parent.parent.name.elementsEqual("node_modules".utf8)
    }
}

// MARK: - Reading

extension PackageScanner {
    /// Adds the packages of one file.
    mutating func read(_ bytes: [UInt8], as role: Role, at path: ImagePath, layer: Int, isLive: Bool) {
        switch role {
        case .dpkgStatus, .dpkgPart:
            for stanza in Self.debianStanzas(bytes[...]) {
                note(stanza, layer)
                if isLive { debian[stanza.name] = stanza }
            }
        case .dpkgList(let package): debianBytes[package] = listedBytes(bytes, pathColumn: 0)
        case .dpkgSums(let package): debianBytes[package] = listedBytes(bytes, pathColumn: 34)
        case .apkInstalled:
            for stanza in Self.alpineStanzas(bytes[...]) {
                note(stanza, layer)
                if isLive { alpine[stanza.name] = stanza }
            }
        case .pythonRecord: readRecord(bytes, at: path, layer: layer)
        case .npmManifest: readManifest(bytes, at: path, layer: layer)
        }
    }

    private mutating func note(_ stanza: Stanza, _ layer: Int) {
        let release = Release(name: stanza.name, version: stanza.version)
        firstLayer[release] = min(firstLayer[release] ?? layer, layer)
    }

    /// Parses stanzas of `Field: value` lines, separated by empty lines (deb-control(5)).
    private static func debianStanzas(_ bytes: ArraySlice<UInt8>) -> [Stanza] {
        stanzas(bytes) { stanza, line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line.first != UInt8(ascii: " ") else { return }
            let value = line[(colon + 1)...].trimmed
            switch line[..<colon].text {
            case "Package": stanza.name = value.text
            case "Version": stanza.version = value.text
            case "Installed-Size": stanza.kilobytes = min(max(0, Int64(value.text) ?? 0), 1 << 40)
            case "Status": stanza.isInstalled = value.text.hasSuffix(" installed")
            default: break
            }
        }
    }

    /// Parses stanzas of `K:value` lines (apk's database, version 2).
    private static func alpineStanzas(_ bytes: ArraySlice<UInt8>) -> [Stanza] {
        stanzas(bytes) { stanza, line in
            guard line.count > 2, line[line.startIndex + 1] == UInt8(ascii: ":") else { return }
            let value = line.dropFirst(2).text
            switch line.first {
            case UInt8(ascii: "P"): stanza.name = value
            case UInt8(ascii: "V"): stanza.version = value
            case UInt8(ascii: "I"): stanza.bytes = Int64(value) ?? 0
            default: break
            }
        }
    }

    private static func stanzas(
        _ bytes: ArraySlice<UInt8>, _ read: (inout Stanza, ArraySlice<UInt8>) -> Void
    ) -> [Stanza] {
        var stanzas: [Stanza] = []
        var stanza = Stanza()
        func close() {
            if !stanza.name.isEmpty, stanza.isInstalled { stanzas.append(stanza) }
            stanza = Stanza()
        }
        for line in ByteLines(bytes) {
            if line.isEmpty { close() } else { read(&stanza, line) }
        }
        close()
        return stanzas
    }

    private mutating func readRecord(_ bytes: [UInt8], at path: ImagePath, layer: Int) {
        let stem = path.parent.name.dropLast(".dist-info".count)
        guard let dash = stem.firstIndex(of: UInt8(ascii: "-")) else { return }
        let site = path.parent.parent
        var total: Int64 = 0
        for line in ByteLines(bytes[...]) {
            let name = line.prefix { $0 != UInt8(ascii: ",") }
            // The files of a wheel outside of site-packages begin with ../ and are small.
            guard let relative = try? ImagePath(entry: name) else { continue }
            total &+= size(at: relative.moved(below: site))
        }
        others.append(
            Package(
                manager: .python, name: stem[..<dash].text, version: stem[(dash + 1)...].text, bytes: total,
                layer: layer))
    }

    private mutating func readManifest(_ bytes: [UInt8], at path: ImagePath, layer: Int) {
        // An invalid package.json is ignored: npm itself would fail on it.
        guard let json = try? JSON(parsing: bytes, what: path.description), let name = json["name"]?.string,
            let version = json["version"]?.string, let directory = tree.node(at: path.parent)
        else { return }
        others.append(
            Package(manager: .npm, name: name, version: version, bytes: ownBytes(below: directory), layer: layer))
    }
}

// MARK: - Sizes

extension PackageScanner {
    /// Returns the bytes of the live files in a list, which has one path a line after `pathColumn` bytes.
    private func listedBytes(_ list: [UInt8], pathColumn: Int) -> Int64 {
        ByteLines(list[...]).reduce(0) { total, line in
            let name = line.dropFirst(pathColumn).drop { $0 == UInt8(ascii: "/") }
            guard let path = try? ImagePath(entry: name) else { return total }
            return total &+ size(at: path)
        }
    }

    /// Returns the size of the file at `path`, through the links of a merged /usr in the root directory.
    private func size(at path: ImagePath) -> Int64 {
        if let inode = tree.inode(at: path) { return inode.kind.size }
        guard let first = path.components.first, let top = tree[node: FileTree.rootNode].children[Array(first)],
            case .symlink(let target) = tree.inode(of: top).kind,
            let moved = try? ImagePath(
                entry: target.drop { $0 == UInt8(ascii: "/") } + path.bytes.dropFirst(first.count))
        else { return 0 }
        return tree.inode(at: moved)?.kind.size ?? 0
    }

    /// Returns the bytes of the files below a directory, without nested packages.
    private func ownBytes(below directory: FileTree.NodeID) -> Int64 {
        var total: Int64 = 0
        var stack = [directory]
        while let node = stack.popLast() {
            for (name, child) in tree[node: node].children where !name.elementsEqual("node_modules".utf8) {
                total &+= tree.inode(of: child).kind.size
                stack.append(child)
            }
        }
        return total
    }
}
