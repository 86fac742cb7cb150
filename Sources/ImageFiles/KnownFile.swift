internal import OCI

/// A file whose content configures loaders, conversions or accounts, or lists packages; by its path.
enum KnownFile: Equatable {
    /// A database whose earlier versions, in lower layers, count too.
    case database
    /// A file that is kept whole.
    case text
    /// A `package.json` of `node_modules`.
    case npmManifest

    /// Larger files are ignored.
    static let maximumSize: Int64 = 64 << 20
    /// Larger lists of a language's packages are ignored.
    private static let maximumManifest: Int64 = 16 << 20

    init?(_ path: ImagePath) {
        guard let text = Self.byName(path) ?? Self.byDirectory(path) else { return nil }
        self = text
    }

    var isDatabase: Bool { self == .database }

    /// True if a file of this size is read.
    func accepts(_ size: Int64) -> Bool { size <= (self == .npmManifest ? Self.maximumManifest : Self.maximumSize) }

    private static let databases = Set((["var/lib/dpkg/status"] + PackageRow.apkPaths).map { Array($0.utf8) })
    private static let files = [
        "etc/ld.so.conf", "etc/ld.so.cache", "etc/ld.so.preload", "etc/nsswitch.conf", "etc/passwd", "etc/group",
        "var/lib/dpkg/diversions",
    ]
    private static let fileNames = Set(files.map { Array($0.utf8) })
    private static let loaderDirectory = "etc/ld.so.conf.d"
    private static let distrolessDirectory = "var/lib/dpkg/status.d"
    private static let listDirectory = "var/lib/dpkg/info"

    private static let libraries = ImagePath.known("usr/lib")

    private static func byName(_ path: ImagePath) -> KnownFile? {
        if databases.contains(path.bytes) { return .database }
        return fileNames.contains(path.bytes) || path.bytes.hasPrefix("etc/ld-musl-") ? .text : nil
    }

    private static func byDirectory(_ path: ImagePath) -> KnownFile? {
        let (bytes, name) = (path.bytes, path.name)
        if bytes.hasPrefix("etc/") || bytes.hasPrefix("var/lib/dpkg/") {
            switch path.parent.bytes.text {
            case loaderDirectory, distrolessDirectory: return .text
            case listDirectory: return name.hasSuffix(".list") || name.hasSuffix(".md5sums") ? .text : nil
            default: return nil
            }
        }
        // glibc's lists of conversions.
        if name.hasPrefix("gconv-modules"), path.isWithin(libraries) { return .text }
        if name.elementsEqual("extended_states".utf8), path.parent.bytes.text == "var/lib/apt" { return .text }
        if name.elementsEqual("RECORD".utf8) { return path.parent.name.hasSuffix(".dist-info") ? .text : nil }
        return name.elementsEqual("package.json".utf8) && isNpmPackage(path.parent) ? .npmManifest : nil
    }

    /// True for `…/node_modules/NAME` and `…/node_modules/@SCOPE/NAME`.
    private static func isNpmPackage(_ directory: ImagePath) -> Bool {
        let above = directory.parent.name
        if above.elementsEqual("node_modules".utf8) { return true }
        return above.first == UInt8(ascii: "@") && directory.parent.parent.name.elementsEqual("node_modules".utf8)
    }

    /// Returns the live files under these names, with links followed.
    static func live(in tree: FileTree) -> Set<FileTree.InodeID> {
        var found = Set<FileTree.InodeID>()
        func add(_ path: ImagePath) {
            if let node = tree.resolve(path)?.node { found.insert(tree[node: node].inode) }
        }
        for file in files + ["var/lib/dpkg/status"] + PackageRow.apkPaths { add(.known(file)) }
        for directory in [loaderDirectory, distrolessDirectory, listDirectory, "etc"] {
            guard let place = tree.resolve(.known(directory))?.node else { continue }
            let path = tree.path(of: place)
            for name in tree[node: place].children.keys {
                let isWanted =
                    switch directory {
                    case "etc": name.starts(with: "ld-musl-".utf8)
                    case listDirectory: name.hasSuffix(".list") || name.hasSuffix(".md5sums")
                    default: true
                    }
                if isWanted { add(path.appending(name)) }
            }
        }
        return found
    }
}
