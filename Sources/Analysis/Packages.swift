internal import ImageFiles
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
    /// The architecture as its manager writes it: `amd64`, `x86_64`; nil without one.
    public var architecture: String?
}

/// The packages of an image, with their sizes and first layers.
///
/// The databases are Debian's status file or distroless' status.d, Alpine's `installed`, Python's `*.dist-info` and
/// npm's `node_modules`.
struct PackageScanner {
    private struct Release: Hashable {
        let name: String
        let version: String
    }

    private let tree: FileTree
    private var firstLayer: [Release: Int] = [:]
    private var debian: [String: PackageRow] = [:]
    private var debianBytes: [String: Int64] = [:]
    private var alpine: [String: PackageRow] = [:]
    private var others: [Package] = []

    init(_ files: ImageFiles, _ liveFiles: LiveFiles) {
        tree = files.tree
        // Lowest layer first, so that the last status of a package is the live one.
        for id in files.texts.keys.sorted() {
            let (inode, live) = (tree.inodes[id], liveFiles.path(of: id))
            read(files.texts[id] ?? [], at: live ?? inode.path, layer: inode.layer, isLive: live != nil)
        }
        for (id, manifest) in files.npm {
            if let path = liveFiles.path(of: id) { add(manifest, at: path, layer: tree.inodes[id].layer) }
        }
    }

    /// All packages, by manager and name.
    var packages: [Package] {
        let dpkg = debian.values.map { package(.dpkg, $0, bytes: debianBytes[$0.name] ?? $0.byteCount) }
        let apk = alpine.values.map { package(.apk, $0, bytes: $0.byteCount) }
        return (dpkg + apk + others).sorted {
            ($0.manager.rawValue, $0.name, $0.version, $0.layer) < ($1.manager.rawValue, $1.name, $1.version, $1.layer)
        }
    }

    private func package(_ manager: Package.Manager, _ row: PackageRow, bytes: Int64) -> Package {
        let layer = firstLayer[Release(name: row.name, version: row.version)] ?? 0
        return Package(
            manager: manager, name: row.name, version: row.version, bytes: max(0, bytes), layer: layer,
            architecture: row.architecture)
    }
}

// MARK: - Reading

extension PackageScanner {
    /// Adds the packages of one database file.
    ///
    /// Of deleted files only the status files of lower layers matter: they show which layer installed what.
    private mutating func read(_ bytes: [UInt8], at path: ImagePath, layer: Int, isLive: Bool) {
        if PackageRow.apkPaths.contains(where: { path.bytes.elementsEqual($0.utf8) }) {
            return note(PackageRow.apk(bytes), layer, in: isLive ? \.alpine : nil)
        }
        let name = path.name
        switch path.parent.bytes.text {
        case "var/lib/dpkg" where name.elementsEqual("status".utf8):
            note(PackageRow.dpkg(bytes), layer, in: isLive ? \.debian : nil)
        case "var/lib/dpkg/status.d" where isLive && name.hasSuffix(".md5sums"):
            debianBytes[name.dropLast(".md5sums".count).text] = listedBytes(bytes, pathColumn: 34)
        case "var/lib/dpkg/status.d" where isLive: note(PackageRow.dpkg(bytes), layer, in: \.debian)
        case "var/lib/dpkg/info" where isLive && name.hasSuffix(".list"):
            let package = name.dropLast(".list".count).prefix { $0 != UInt8(ascii: ":") }
            debianBytes[package.text] = listedBytes(bytes, pathColumn: 0)
        default: if isLive, path.bytes.hasSuffix(".dist-info/RECORD") { readRecord(bytes, at: path, layer: layer) }
        }
    }

    private mutating func note(
        _ rows: [PackageRow], _ layer: Int, in packages: WritableKeyPath<PackageScanner, [String: PackageRow]>?
    ) {
        for row in rows {
            let release = Release(name: row.name, version: row.version)
            firstLayer[release] = min(firstLayer[release] ?? layer, layer)
            if let packages { self[keyPath: packages][row.name] = row }
        }
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

    private mutating func add(_ manifest: NpmManifest, at path: ImagePath, layer: Int) {
        guard let directory = tree.node(at: path.parent) else { return }
        others.append(
            Package(
                manager: .npm, name: manifest.name, version: manifest.version, bytes: ownBytes(below: directory),
                layer: layer))
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
