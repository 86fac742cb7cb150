internal import ImageFiles
internal import OCI

extension Planner {
    /// Keeps the database rows and licences of packages that are still there, in part or whole.
    ///
    /// So a scanner sees exactly the packages that exist.
    mutating func keepPackageMetadata() {
        let survivors = self.survivors()
        for index in survivors {
            keepLicence(of: packages.list[index].name)
            for kind in ["list", "md5sums"] {
                for name in infoNames(of: packages.list[index]) {
                    keep(at: "var/lib/dpkg/info/\(name).\(kind)", .packageMetadata)
                }
            }
            for suffix in ["", ".md5sums"] {
                keep(at: "var/lib/dpkg/status.d/\(packages.list[index].name)\(suffix)", .packageMetadata)
            }
        }
        if !survivors.isEmpty { keep(at: "var/lib/dpkg/info/format", .packageMetadata) }
        for path in ["var/lib/dpkg/status"] + PackageRow.apkPaths where contents.text(at: .known(path)) != nil {
            keep(at: path, .packageMetadata)
        }
        if options.keep.contains(.packages) {
            for directory in ["var/lib/dpkg", "lib/apk/db", "usr/lib/apk/db", "var/lib/rpm", "usr/lib/sysimage/rpm"] {
                keep(below: directory, .packageMetadata)
            }
        }
    }

    /// Returns the packages of which at least one file is kept.
    func survivors() -> [Int] {
        packages.list.indices.filter { index in
            packages.list[index].nodes.contains { isKept($0) && !isPlace($0) && kept[$0] != [.packageMetadata] }
        }
    }

    /// True for a directory or a link to one.
    ///
    /// Those count for no package: `/lib` is in the list of every package that has a file there.
    private func isPlace(_ node: FileTree.NodeID) -> Bool {
        switch tree.inode(of: node).kind {
        case .directory: true
        case .symlink: tree.resolve(tree.path(of: node)).map { tree.inode(of: $0.node).kind.isDirectory } ?? false
        default: false
        }
    }

    private mutating func keepLicence(of name: String) {
        keep(at: "usr/share/doc/\(name)/copyright", .packageMetadata)
    }

    private func infoNames(of package: Packages.InstalledPackage) -> [String] {
        let architecture = package.row.architecture.map { ["\(package.name):\($0)"] } ?? []
        return architecture + [package.name]
    }
}

extension Planner {
    /// Returns the new contents of the loader's cache and the package databases, which list the image's files.
    func replacements() -> [FileTree.NodeID: [UInt8]] {
        var contents: [FileTree.NodeID: [UInt8]] = [:]
        if let cache = loader.cache, let node = tree.resolve(.known("etc/ld.so.cache"))?.node, isKept(node) {
            contents[node] = cache.reduced { entry in
                tree.follow(entry.path, from: FileTree.rootNode).map { isKept($0.node) } ?? false
            }
        }
        guard !options.keep.contains(.packages) else { return contents }
        let survivors = self.survivors()
        if let node = tree.resolve(.known("var/lib/dpkg/status"))?.node, isKept(node) {
            contents[node] =
                Array(survivors.map { packages.list[$0].row.bytes }.joined(separator: [UInt8(ascii: "\n")])) + [
                    UInt8(ascii: "\n")
                ]
        }
        for path in PackageRow.apkPaths {
            guard let node = tree.resolve(.known(path))?.node, isKept(node) else { continue }
            contents[node] =
                Array(survivors.map { reducedApk(packages.list[$0].row.bytes) }.joined(separator: [UInt8(ascii: "\n")]))
                + [
                    UInt8(ascii: "\n")
                ]
        }
        addLists(to: &contents)
        return contents
    }

    /// Reduces dpkg's `info/*.list` and `*.md5sums`.
    ///
    /// A list has a path on each line; a sum has 32 digits, two blanks and a path without a leading slash.
    private func addLists(to contents: inout [FileTree.NodeID: [UInt8]]) {
        for directory in ["var/lib/dpkg/info", "var/lib/dpkg/status.d"] {
            guard let found = tree.resolve(.known(directory)) else { continue }
            for (name, node) in tree.children(of: found.node) where isKept(node) {
                guard let text = self.contents.texts[tree[node: node].inode] else { continue }
                if name.suffix(5).elementsEqual(".list".utf8) { contents[node] = lines(text, pathAt: 0) }
                if name.suffix(8).elementsEqual(".md5sums".utf8) { contents[node] = lines(text, pathAt: 34) }
            }
        }
    }

    /// Returns the lines whose path is kept.
    private func lines(_ text: [UInt8], pathAt offset: Int) -> [UInt8] {
        let kept = text.split(separator: UInt8(ascii: "\n")).filter { isKept(path: $0.dropFirst(offset)) }
        return kept.flatMap { $0 + [UInt8(ascii: "\n")] }
    }

    private func isKept(path: some Collection<UInt8>) -> Bool {
        guard let path = try? ImagePath(String(decoding: path, as: UTF8.self)) else { return false }
        return tree.resolveParent(of: path).map { isKept($0.node) } ?? false
    }

    /// Removes the dropped files from a row of apk's: `R:`, and the `a:` and `Z:` that follow it.
    private func reducedApk(_ row: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var isFileKept = true
        PackageRow.forEachApkLine(of: row) { key, value, path in
            switch key {
            case UInt8(ascii: "F"): isFileKept = true
            case UInt8(ascii: "R"): isFileKept = path.map { isKept(path: $0) } ?? false
            default: break
            }
            if isFileKept { bytes += [key, UInt8(ascii: ":")] + value + [UInt8(ascii: "\n")] }
        }
        return bytes
    }
}
