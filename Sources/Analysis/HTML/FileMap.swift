internal import ImageFiles
internal import Linux
internal import OCI

/// The files of an image for the page's explorer: the merged tree, with the bytes that later layers hide.
///
/// The text has a line for the start of a directory (`d` and its name), its end (`u`), and a file (`f` and its name, and
/// after tabs in base 36 its visible bytes, its layer, its hidden bytes and its package). It is compressed, so that
/// 100,000 files take about a megabyte.
struct FileMap {
    private var root = Folder()
    private var packages: [String] = []
    private var packageNumbers: [String: Int] = [:]

    private struct MapFile {
        var bytes: Int64 = 0
        var layer = 0
        var hidden: Int64 = 0
        var package: Int?
    }

    private final class Folder {
        var directories: [String: Folder] = [:]
        var files: [String: MapFile] = [:]
    }

    /// Takes the visible files of a tree, with their packages, and the copies that waste counts.
    init(_ tree: FileTree, _ waste: Waste, owners: [FileTree.InodeID: String]) {
        var seen = Set<FileTree.InodeID>()
        tree.walk { path, node in
            let id = tree[node: node].inode
            let inode = tree.inodes[id]
            guard inode.kind.isFile else { return }
            // A further name of a file has no bytes of its own.
            let bytes = seen.insert(id).inserted ? inode.kind.size : 0
            let package = owners[id].map { number(of: $0) }
            update(path) { file in
                (file.bytes, file.layer, file.package) = (bytes, inode.layer, package)
            }
        }
        for item in waste.items {
            for copy in item.copies {
                update(item.path) { file in
                    if file.bytes == 0 { file.layer = copy.layer }
                    file.hidden &+= copy.bytes
                }
            }
        }
    }

    private mutating func number(of package: String) -> Int {
        if let known = packageNumbers[package] { return known }
        packages.append(package)
        packageNumbers[package] = packages.count - 1
        return packages.count - 1
    }

    private func update(_ path: ImagePath, _ change: (inout MapFile) -> Void) {
        var directory = root
        let components = path.components
        for component in components.dropLast() {
            let name = component.text.visibleLine
            let next = directory.directories[name] ?? Folder()
            directory.directories[name] = next
            directory = next
        }
        guard let name = components.last?.text.visibleLine else { return }
        change(&directory.files[name, default: MapFile()])
    }

    /// The lines of the text.
    var lines: [String] {
        var lines: [String] = []
        var stack: [(directory: Folder, names: ArraySlice<String>)] = []
        func open(_ directory: Folder) {
            for (name, file) in directory.files.sorted(by: { $0.key < $1.key }) {
                let numbers = [file.bytes, Int64(file.layer), file.hidden].map { String($0, radix: 36) }
                let package = file.package.map { "\t" + String($0, radix: 36) } ?? ""
                lines.append("f\(name)\t\(numbers.joined(separator: "\t"))\(package)")
            }
            stack.append((directory, directory.directories.keys.sorted()[...]))
        }
        open(root)
        while let (directory, rest) = stack.popLast() {
            var names = rest
            guard let name = names.popFirst() else {
                if !stack.isEmpty { lines.append("u") }
                continue
            }
            stack.append((directory, names))
            guard let next = directory.directories[name] else { continue }
            lines.append("d\(name)")
            open(next)
        }
        return lines
    }

    /// The data of the page: `{"layers": [COMMAND], "packages": [NAME], "parts": [BASE64 OF GZIP]}`.
    func json(commands: [String]) throws -> JSON {
        let text = Array(lines.joined(separator: "\n").utf8)
        let parts = try gzipMembers(text).map { Base64.padded($0) }
        return .object([
            "layers": .strings(commands), "packages": .strings(packages), "parts": .strings(parts),
        ])
    }
}
