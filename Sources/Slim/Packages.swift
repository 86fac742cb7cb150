internal import ImageFiles
internal import OCI

/// The packages of an image, and the owner of each file.
///
/// The databases are dpkg's `status` with `info/*.list`, distroless' `status.d`, and apk's `installed`. An image with
/// another database, or with none, has no packages, and all of its files count as the application's.
struct Packages: Sendable {
    /// One installed package.
    struct InstalledPackage: Sendable {
        /// Its row of the database.
        let row: PackageRow
        /// Its files and directories in the tree.
        var nodes: [FileTree.NodeID] = []

        var name: String { row.name }
    }

    private(set) var list: [InstalledPackage] = []
    private(set) var owner: [FileTree.NodeID: Int] = [:]
    private var byName: [String: Int] = [:]
    /// Packages that were installed only for others; nil if that is not known.
    private var automatic: Set<String>?

    /// Reads the databases of an image.
    init(_ files: ImageFiles) {
        addDpkg(files)
        addDistroless(files)
        let apk = PackageRow.apkPaths.lazy.compactMap { files.text(at: .known($0)) }.first ?? []
        automatic = files.text(at: .known("var/lib/apt/extended_states")).map(Self.automatic)
        for row in PackageRow.apk(apk) { add(row, paths: row.paths, files.tree) }
    }

    /// Returns the package of that name, or one that provides it.
    func index(of name: String) -> Int? { byName[name] }

    /// True if the user asked for a package: apt knows it and doesn't mark it as installed for another.
    func isRequested(_ name: String) -> Bool { automatic.map { !$0.contains(name) } ?? false }

    /// Reads apt's `extended_states`: `Package: NAME`, then `Auto-Installed: 1`.
    private static func automatic(_ text: [UInt8]) -> Set<String> {
        var (found, name) = (Set<String>(), "")
        for line in ByteLines(text[...]).map(\.text) {
            if line.hasPrefix("Package: ") { name = String(line.dropFirst("Package: ".count)) }
            if line == "Auto-Installed: 1" { found.insert(name) }
        }
        return found
    }

    /// Returns the dependencies of a package; of alternatives the first that is installed.
    func dependencies(of index: Int) -> [Int] {
        list[index].row.dependencies.compactMap { names in names.lazy.compactMap { byName[$0] }.first }
    }

    private mutating func add(_ row: PackageRow, paths: [some Collection<UInt8>], _ tree: FileTree) {
        var package = InstalledPackage(row: row)
        for path in paths {
            guard let path = try? ImagePath(String(decoding: path, as: UTF8.self)), !path.isRoot,
                let found = tree.resolveParent(of: path)
            else { continue }
            package.nodes.append(found.node)
            if !tree.inode(of: found.node).kind.isDirectory { owner[found.node] = list.count }
        }
        list.append(package)
        for name in [row.name] + row.provides where byName[name] == nil { byName[name] = list.count - 1 }
    }
}

// MARK: - dpkg

extension Packages {
    private mutating func addDpkg(_ files: ImageFiles) {
        guard let status = files.text(at: .known("var/lib/dpkg/status")) else { return }
        for row in PackageRow.dpkg(status) {
            let names = ["\(row.name):\(row.architecture ?? "")", row.name]
            let paths = names.lazy.compactMap { Self.list(of: $0, in: files) }.first ?? []
            add(row, paths: Array(ByteLines(paths[...])), files.tree)
        }
        readDiversions(files)
    }

    /// Returns dpkg's list of one package's files.
    private static func list(of name: String, in files: ImageFiles) -> [UInt8]? {
        guard let path = try? ImagePath("var/lib/dpkg/info/\(name).list") else { return nil }
        return files.text(at: path)
    }

    /// Reads diversions, each of three lines: from, to, package.
    ///
    /// A diverted file has another path than its package's list contains.
    private mutating func readDiversions(_ files: ImageFiles) {
        guard let text = files.text(at: .known("var/lib/dpkg/diversions")) else { return }
        let lines = ByteLines(text[...]).map(\.text)
        for start in stride(from: 0, to: lines.count - 2, by: 3) {
            guard let to = try? ImagePath(lines[start + 1]), let found = files.tree.resolveParent(of: to),
                let package = byName[lines[start + 2]], owner[found.node] == nil
            else { continue }
            owner[found.node] = package
        }
    }

    private mutating func addDistroless(_ files: ImageFiles) {
        let tree = files.tree
        guard let directory = tree.resolve(.known("var/lib/dpkg/status.d")) else { return }
        for (name, node) in tree.children(of: directory.node) where !name.hasSuffix(".md5sums") {
            guard let text = files.texts[tree[node: node].inode] else { continue }
            let sums = tree[node: directory.node].children[name + Array(".md5sums".utf8)]
            let lines = sums.flatMap { files.texts[tree[node: $0].inode] } ?? []
            let paths = ByteLines(lines[...]).map { $0.dropFirst(34) }
            for row in PackageRow.dpkg(text) { add(row, paths: paths, tree) }
        }
    }
}
