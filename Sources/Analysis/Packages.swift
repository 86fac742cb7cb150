internal import ImageFiles
internal import OCI

/// A package that a package manager installed and that still exists.
public struct Package: Sendable, Hashable {
    public enum Manager: String, Sendable, CaseIterable {
        case apk, composer, conda, dpkg, gem, go, maven, npm, nuget, python
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
    /// The source package, by which advisories name it; nil if its name and version are the package's own.
    var source: SourcePackage?

    /// A source package and its version.
    struct SourcePackage: Sendable, Hashable {
        let name: String
        let version: String
    }

    /// The license as its manager writes it; nil without one.
    public var license: String?
}

/// The packages of an image, with their sizes and first layers.
///
/// The databases are Debian's status file or distroless' status.d, Alpine's `installed`, Python's `*.dist-info` and
/// `*.egg-info`, conda's records, npm's `node_modules` and lock files, gems, Composer's list, the modules in Go programs,
/// jars and their contents, and .NET's `*.deps.json`.
struct PackageScanner {
    private struct Release: Hashable {
        let name: String
        let version: String

        init(name: String, version: String) { (self.name, self.version) = (name, version) }

        init(_ package: Package) { self.init(name: package.name, version: package.version) }
    }

    private let tree: FileTree
    private var firstLayer: [Release: Int] = [:]
    private var debian: [String: PackageRow] = [:]
    private var debianBytes: [String: Int64] = [:]
    private var alpine: [String: PackageRow] = [:]
    private var others: [Package] = []
    /// The names of the packages that own live files, by the lists of their managers.
    private(set) var owners: [FileTree.InodeID: String] = [:]
    /// The places in ``others`` of the Python packages whose files are known, by their dist-info directories.
    private var recordedDirectories: [ImagePath: Int] = [:]

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
        let installed = Set(others.map(Release.init))
        for (id, list) in files.packages {
            guard let path = liveFiles.path(of: id) else { continue }
            for package in list { add(package, at: path, layer: tree.inodes[id].layer, besides: installed) }
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
            architecture: row.architecture,
            source: row.source.map { .init(name: $0.name, version: $0.version ?? row.version) }, license: row.license)
    }
}

// MARK: - Reading

extension PackageScanner {
    /// Adds the packages of one database file.
    ///
    /// Of deleted files only the status files of lower layers matter: they show which layer installed what.
    private mutating func read(_ bytes: [UInt8], at path: ImagePath, layer: Int, isLive: Bool) {
        if PackageRow.apkPaths.contains(where: { path.bytes.elementsEqual($0.utf8) }) {
            let rows = PackageRow.apk(bytes)
            if isLive { own(rows) }
            return note(rows, layer, in: isLive ? \.alpine : nil)
        }
        let name = path.name
        switch path.parent.bytes.text {
        case "var/lib/dpkg" where name.elementsEqual("status".utf8):
            note(PackageRow.dpkg(bytes), layer, in: isLive ? \.debian : nil)
        case "var/lib/dpkg/status.d" where isLive && name.hasSuffix(".md5sums"):
            let package = name.dropLast(".md5sums".count).text
            debianBytes[package] = listedBytes(bytes, pathColumn: 34, of: package)
        case "var/lib/dpkg/status.d" where isLive: note(PackageRow.dpkg(bytes), layer, in: \.debian)
        case "var/lib/dpkg/info" where isLive && name.hasSuffix(".list"):
            let package = name.dropLast(".list".count).prefix { $0 != UInt8(ascii: ":") }
            debianBytes[package.text] = listedBytes(bytes, pathColumn: 0, of: package.text)
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
            total &+= take(relative.moved(below: site), for: stem[..<dash].text)
        }
        recordedDirectories[path.parent] = others.count
        others.append(
            Package(
                manager: .python, name: stem[..<dash].text, version: stem[(dash + 1)...].text, bytes: total,
                layer: layer))
    }

    private mutating func add(_ manifest: NpmManifest, at path: ImagePath, layer: Int) {
        guard let directory = tree.node(at: path.parent) else { return }
        others.append(
            Package(
                manager: .npm, name: manifest.name, version: manifest.version,
                bytes: ownBytes(below: directory, of: manifest.name),
                layer: layer, license: manifest.license))
    }

    /// Adds a package of a list.
    ///
    /// A wheel's metadata is that of a package whose files are known. A lock file adds what `installed` doesn't have.
    private mutating func add(
        _ listed: ListedPackage, at path: ImagePath, layer: Int, besides installed: Set<Release>
    ) {
        if listed.ecosystem == .python, let index = recordedDirectories[path.parent] {
            others[index].license = listed.license
            return
        }
        guard let manager = Package.Manager(rawValue: listed.ecosystem.rawValue),
            listed.ecosystem != .npm || !installed.contains(Release(name: listed.name, version: listed.version))
        else { return }
        others.append(
            Package(
                manager: manager, name: listed.name, version: listed.version, bytes: max(0, listed.byteCount ?? 0),
                layer: layer, license: listed.license))
    }
}

// MARK: - Sizes

extension PackageScanner {
    /// Returns the bytes of the live files in a list, which has one path a line after `pathColumn` bytes.
    private mutating func listedBytes(_ list: [UInt8], pathColumn: Int, of package: String) -> Int64 {
        var total: Int64 = 0
        for line in ByteLines(list[...]) {
            let name = line.dropFirst(pathColumn).drop { $0 == UInt8(ascii: "/") }
            if let path = try? ImagePath(entry: name) { total &+= take(path, for: package) }
        }
        return total
    }

    /// Notes the owners of the files that apk lists.
    private mutating func own(_ rows: [PackageRow]) {
        for row in rows {
            for path in row.paths {
                if let path = try? ImagePath(entry: path) { _ = take(path, for: row.name) }
            }
        }
    }

    /// Notes the owner of a file, and returns the file's size.
    private mutating func take(_ path: ImagePath, for package: String) -> Int64 {
        guard let node = node(at: path) else { return 0 }
        let id = tree[node: node].inode
        guard tree.inodes[id].kind.isFile else { return tree.inodes[id].kind.size }
        owners[id] = package
        return tree.inodes[id].kind.size
    }

    /// Returns the node at `path`, through the links of a merged /usr in the root directory.
    private func node(at path: ImagePath) -> FileTree.NodeID? {
        if let node = tree.node(at: path) { return node }
        guard let first = path.components.first, let top = tree[node: FileTree.rootNode].children[Array(first)],
            case .symlink(let target) = tree.inode(of: top).kind,
            let moved = try? ImagePath(
                entry: target.drop { $0 == UInt8(ascii: "/") } + path.bytes.dropFirst(first.count))
        else { return nil }
        return tree.node(at: moved)
    }

    /// Returns the bytes of the files below a directory, without nested packages.
    private mutating func ownBytes(below directory: FileTree.NodeID, of package: String) -> Int64 {
        var total: Int64 = 0
        var stack = [directory]
        while let node = stack.popLast() {
            for (name, child) in tree[node: node].children where !name.elementsEqual("node_modules".utf8) {
                total &+= tree.inode(of: child).kind.size
                if tree.inode(of: child).kind.isFile { owners[tree[node: child].inode] = package }
                stack.append(child)
            }
        }
        return total
    }
}
