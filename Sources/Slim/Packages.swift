internal import OCI

/// The packages of an image, and the owner of each file.
///
/// The databases are dpkg's `status` with `info/*.list`, distroless' `status.d`, and apk's `installed`. An image with
/// another database, or with none, has no packages, and all of its files count as the application's.
struct Packages: Sendable {
    /// One installed package.
    struct Package: Sendable {
        let name: String
        /// Its row of the database, byte for byte.
        let row: [UInt8]
        /// `amd64`, if the database has it.
        var architecture: String?
        /// Its dependencies; one of the names in each list is enough.
        var dependencies: [[String]] = []
        /// True if every image of its distribution has it.
        var isBase = false
        /// Its files and directories in the tree.
        var nodes: [FileTree.NodeID] = []
    }

    private(set) var list: [Package] = []
    private(set) var owner: [FileTree.NodeID: Int] = [:]
    private var byName: [String: Int] = [:]

    /// Reads the databases of an image.
    init(_ facts: FileFacts, _ tree: FileTree) {
        readDpkg(facts, tree)
        readDistroless(facts, tree)
        readApk(facts, tree)
    }

    /// Returns the package of that name, or one that provides it.
    func index(of name: String) -> Int? { byName[name] }

    /// Returns the dependencies of a package; of alternatives the first that is installed.
    func dependencies(of index: Int) -> [Int] {
        list[index].dependencies.compactMap { names in names.lazy.compactMap { byName[$0] }.first }
    }

    private mutating func add(_ package: Package, provides: [String], paths: [[UInt8]], _ tree: FileTree) {
        var package = package
        for path in paths {
            guard let path = try? ImagePath(String(decoding: path, as: UTF8.self)), !path.isRoot,
                let found = tree.resolveParent(of: path)
            else { continue }
            package.nodes.append(found.node)
            if !tree.inode(of: found.node).kind.isDirectory { owner[found.node] = list.count }
        }
        list.append(package)
        for name in [package.name] + provides where byName[name] == nil { byName[name] = list.count - 1 }
    }
}

// MARK: - dpkg

extension Packages {
    /// Returns fields by name; omits continuation lines, which belong to the field before them.
    private static func fields(_ row: [UInt8]) -> [String: String] {
        var fields: [String: String] = [:]
        for line in row.split(separator: UInt8(ascii: "\n")) {
            guard let first = line.first, first != 0x20, first != 0x09,
                let colon = line.firstIndex(of: UInt8(ascii: ":"))
            else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            fields[name] = String(decoding: line[(colon + 1)...].drop { $0 == 0x20 }, as: UTF8.self)
        }
        return fields
    }

    /// Returns the paragraphs of a database, without the empty lines between them.
    static func rows(_ text: [UInt8]) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        var row: [UInt8] = []
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.isEmpty {
                if !row.isEmpty { rows.append(row) }
                row = []
            } else {
                row += line + [UInt8(ascii: "\n")]
            }
        }
        if !row.isEmpty { rows.append(row) }
        return rows
    }

    /// Returns the names in `a (>= 1) | b, c:any`.
    private static func relations(_ text: String?) -> [[String]] {
        (text ?? "").split(separator: ",").map { group in
            group.split(separator: "|").compactMap { item in
                item.split(whereSeparator: { " (:[\t".contains($0) }).first.map(String.init)
            }
        }
    }

    private mutating func readDpkg(_ facts: FileFacts, _ tree: FileTree) {
        guard let status = facts.text(at: .known("var/lib/dpkg/status"), in: tree) else { return }
        for row in Self.rows(status) {
            let fields = Self.fields(row)
            guard let name = fields["Package"], fields["Status"]?.hasSuffix(" installed") ?? false else { continue }
            let names = ["\(name):\(fields["Architecture"] ?? "")", name]
            let paths = names.lazy.compactMap { Self.info($0, "list", facts, tree) }.first ?? []
            addDpkg(name, fields, row, paths: paths.split(separator: UInt8(ascii: "\n")).map(Array.init), tree)
        }
        readDiversions(facts, tree)
    }

    /// Returns a file in dpkg's info directory about one package.
    static func info(_ name: String, _ kind: String, _ facts: FileFacts, _ tree: FileTree) -> [UInt8]? {
        guard let path = try? ImagePath("var/lib/dpkg/info/\(name).\(kind)") else { return nil }
        return facts.text(at: path, in: tree)
    }

    private mutating func addDpkg(
        _ name: String, _ fields: [String: String], _ row: [UInt8], paths: [[UInt8]], _ tree: FileTree
    ) {
        var package = Package(name: name, row: row, architecture: fields["Architecture"])
        package.dependencies = Self.relations(fields["Pre-Depends"]) + Self.relations(fields["Depends"])
        package.isBase =
            fields["Essential"] == "yes" || ["required", "important"].contains(fields["Priority"] ?? "")
            || ["libc6", "libc-bin", "base-files"].contains(name)
        add(package, provides: Self.relations(fields["Provides"]).flatMap(\.self), paths: paths, tree)
    }

    /// Reads diversions, each of three lines: from, to, package.
    ///
    /// A diverted file has another path than its package's list contains.
    private mutating func readDiversions(_ facts: FileFacts, _ tree: FileTree) {
        guard let text = facts.text(at: .known("var/lib/dpkg/diversions"), in: tree) else { return }
        let lines = text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        for start in stride(from: 0, to: lines.count - 2, by: 3) {
            guard let to = try? ImagePath(lines[start + 1]), let found = tree.resolveParent(of: to),
                let package = byName[lines[start + 2]], owner[found.node] == nil
            else { continue }
            owner[found.node] = package
        }
    }

    private mutating func readDistroless(_ facts: FileFacts, _ tree: FileTree) {
        guard let directory = tree.resolve(.known("var/lib/dpkg/status.d")) else { return }
        for (name, node) in tree.children(of: directory.node) {
            guard let row = facts.texts[tree[node: node].inode] else { continue }
            let fields = Self.fields(row)
            guard let package = fields["Package"] else { continue }
            let sums = tree[node: directory.node].children[name + Array(".md5sums".utf8)]
            let lines = sums.flatMap { facts.texts[tree[node: $0].inode] } ?? []
            let paths = lines.split(separator: UInt8(ascii: "\n")).map { Array($0.dropFirst(34)) }
            addDpkg(package, fields, row, paths: paths, tree)
        }
    }
}

// MARK: - apk

extension Packages {
    /// The paths of apk's database.
    static let apkPaths = ["lib/apk/db/installed", "usr/lib/apk/db/installed"]

    /// Reads apk's rows: one letter, a colon, a value; `F:` begins a directory and `R:` a file in it.
    private mutating func readApk(_ facts: FileFacts, _ tree: FileTree) {
        guard let text = Self.apkPaths.lazy.compactMap({ facts.text(at: .known($0), in: tree) }).first else {
            return
        }
        for row in Self.rows(text) {
            var name = ""
            var (paths, provides, dependencies): ([[UInt8]], [String], [[String]]) = ([], [], [])
            Self.readApk(row) { key, value, path in
                let words = String(decoding: value, as: UTF8.self).split(separator: " ").map {
                    String($0.prefix { !"=<>~".contains($0) })
                }
                switch key {
                case UInt8(ascii: "P"): name = String(decoding: value, as: UTF8.self)
                case UInt8(ascii: "D"): dependencies = words.map { [$0] }
                case UInt8(ascii: "p"): provides = words
                default: if let path { paths.append(path) }
                }
            }
            let package = Package(name: name, row: row, dependencies: dependencies, isBase: Self.isApkBase(name))
            add(package, provides: provides, paths: paths, tree)
        }
    }

    private static func isApkBase(_ name: String) -> Bool {
        ["busybox", "alpine-base", "apk-tools", "musl", "libc-utils", "scanelf", "ssl_client", "alpine-keys"].contains(
            name)
            || ["busybox-", "alpine-baselayout", "musl-"].contains { name.hasPrefix($0) }
    }

    /// Calls `body` for every line of a row, with the path if the line is a file or directory.
    static func readApk(_ row: [UInt8], _ body: (_ key: UInt8, _ value: ArraySlice<UInt8>, _ path: [UInt8]?) -> Void) {
        var directory: [UInt8] = []
        for line in row.split(separator: UInt8(ascii: "\n")) where line.dropFirst().first == UInt8(ascii: ":") {
            guard let key = line.first else { continue }
            let value = line.dropFirst(2)
            switch key {
            case UInt8(ascii: "F"):
                directory = Array(value)
                body(key, value, directory)
            case UInt8(ascii: "R"): body(key, value, directory + [UInt8(ascii: "/")] + value)
            default: body(key, value, nil)
            }
        }
    }
}
