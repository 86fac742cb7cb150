internal import ImageFiles
internal import Linux
internal import OCI

/// A search for the files that an image needs, from its program outwards.
///
/// Keeping a file keeps the files that it needs, until nothing new is found.
/// ```
/// roots (Roots) -> keep -> queue -> ELF file: libraries (Libraries)     -> keep
/// application   -> keep             script: interpreter, words          -> keep
/// profiles      -> keep             used file of a package: the package -> keep
/// ```
struct Planner {
    let contents: ImageFiles
    let options: SlimOptions
    let packages: Packages
    let loader: Loader

    private(set) var kept: [FileTree.NodeID: Set<KeepReason>] = [:]
    private var queue: [FileTree.NodeID] = []
    private var expanded = Set<Int>()
    private var scanned = Set<FileTree.InodeID>()
    /// Objects whose libraries were looked up as part of a process.
    var walked = Set<FileTree.NodeID>()
    /// Programs whose RPATH applies to everything that they load.
    var programs: [Loader.Loaded] = []
    /// Libraries that are not in the image, with the files that need them.
    var missing: [MissingLibrary] = []
    var applied = Set<Profile>()
    /// The versions of Python whose libraries were kept.
    var pythons = Set<String>()

    var tree: FileTree { contents.tree }

    init(_ contents: ImageFiles, _ options: SlimOptions) {
        self.contents = contents
        self.options = options
        packages = Packages(contents)
        loader = Loader(contents)
    }

    /// Runs all steps.
    mutating func plan() throws(SlimError) {
        try keepRoots()
        keepApplication()
        keepIncluded()
        keepObserved()
        applyProfiles()
        while true {
            drain()
            let count = kept.count
            applyProfiles()
            keepLinksToKept()
            if queue.isEmpty, kept.count == count { break }
        }
        keepBytecode()
        keepPackageMetadata()
        dropExcluded()
        keepParents()
    }
}

// MARK: - Keeping

extension Planner {
    /// Keeps a node and examines its needs; of each kind of reason the first one remains.
    mutating func keep(_ node: FileTree.NodeID, _ reason: KeepReason) {
        let isNew = kept[node] == nil
        let hadUse = kept[node]?.contains(where: \.isUse) ?? false
        if kept[node]?.contains(where: { $0.name == reason.name }) ?? false { return }
        kept[node, default: []].insert(reason)
        if isNew || (reason.isUse && !hadUse) { queue.append(node) }
    }

    /// Keeps a path's target and the links on the way.
    mutating func keep(_ found: FileTree.Found, _ reason: KeepReason) {
        keep(found.node, reason)
        let target = tree.path(of: found.node)
        for link in found.links { keep(link, .symlink(to: target)) }
    }

    /// Keeps the node at a path, if there is one.
    mutating func keep(at text: String, _ reason: KeepReason) {
        if let found = tree.follow(text.utf8, from: FileTree.rootNode) { keep(found, reason) }
    }

    /// Keeps all nodes below a directory for which `isWanted` is true.
    mutating func keep(
        below text: String, _ reason: KeepReason, where isWanted: (FileTree.NodeID) -> Bool = { _ in true }
    ) {
        guard let found = tree.follow(text.utf8, from: FileTree.rootNode) else { return }
        keep(found, reason)
        for node in tree.nodes(below: found.node) where isWanted(node) { keep(node, reason) }
    }

    func isKept(_ node: FileTree.NodeID) -> Bool { kept[node] != nil }

    /// Drops a node that was kept.
    mutating func drop(_ node: FileTree.NodeID) { kept[node] = nil }

    /// Examines all nodes that were kept since the last call.
    private mutating func drain() {
        while !queue.isEmpty {
            let batch = queue
            queue = []
            for node in batch { examine(node) }
            keepLibraries(of: batch)
        }
    }

    private mutating func examine(_ node: FileTree.NodeID) {
        let inode = tree.inode(of: node)
        switch inode.kind {
        case .symlink: follow(node)
        case .file:
            if let script = contents.scripts[tree[node: node].inode], scanned.insert(tree[node: node].inode).inserted {
                keepPrograms(of: script, node)
            }
            if kept[node]?.contains(where: \.isUse) ?? false { expandPackage(of: node) }
        case .directory, .characterDevice, .blockDevice, .fifo: break
        }
    }

    /// Keeps the target of a kept link.
    ///
    /// If the application links to a directory of a package, it needs the directory's contents. A directory near the
    /// root it needs only as a place.
    private mutating func follow(_ link: FileTree.NodeID) {
        let path = tree.path(of: link)
        guard let found = tree.resolve(path) else { return }
        keep(FileTree.Found(node: found.node, links: found.links), .linked(from: path))
        guard tree.inode(of: found.node).kind.isDirectory, kept[link]?.contains(.application) ?? false,
            tree.path(of: found.node).components.count >= 3
        else { return }
        for node in tree.nodes(below: found.node) { keep(node, .linked(from: path)) }
    }

    private mutating func keepPrograms(of script: Script, _ node: FileTree.NodeID) {
        let path = tree.path(of: node)
        for program in script.programs {
            if let found = contents.program(program) { keep(found, .shebang(of: path)) }
        }
        keepCommands(script.words, in: path)
    }

    /// Keeps the programs and files that a shell's words name.
    mutating func keepCommands(_ words: [[UInt8]], in script: ImagePath?) {
        for word in words {
            if let found = contents.program(word) { keep(found, .command(in: script)) }
        }
    }
}

// MARK: - Packages

extension Planner {
    /// Directories of packages that nothing needs at run time.
    private static let boring = [
        "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/bug", "usr/share/locale",
        "usr/share/bash-completion", "usr/share/zsh", "usr/share/fish", "usr/share/doc-base", "usr/share/gdb",
        "usr/share/gcc", "usr/share/menu", "usr/share/pixmaps", "usr/share/applications", "usr/share/binfmts",
        "usr/share/apport", "usr/share/icons", "etc/init.d", "etc/cron.d", "etc/cron.daily", "etc/cron.weekly",
        "etc/cron.hourly",
        "etc/cron.monthly", "etc/logrotate.d", "etc/bash_completion.d", "etc/apparmor.d", "etc/apt", "lib/systemd",
        "usr/lib/systemd", "usr/lib/binfmt.d", "usr/lib/tmpfiles.d", "usr/lib/sysusers.d", "usr/lib/udev", "lib/udev",
    ].map { ImagePath.known($0) }

    /// Keeps the package of a used file, and its dependencies, except packages that every base image has.
    ///
    /// Of those, single files are kept.
    private mutating func expandPackage(of node: FileTree.NodeID) {
        guard let first = packages.owner[node] else { return }
        let cause = tree.path(of: node)
        var pending = [first]
        while let index = pending.popLast() {
            let package = packages.list[index]
            guard !package.row.isBase, expanded.insert(index).inserted else { continue }
            for node in package.nodes where isWorthKeeping(node) { keep(node, .package(package.name, by: cause)) }
            pending += packages.dependencies(of: index)
        }
    }

    private func isWorthKeeping(_ node: FileTree.NodeID) -> Bool {
        let path = tree.path(of: node)
        return !Self.boring.contains { path.isWithin($0) } && !PythonBytecode.isCompiled(path)
    }
}
