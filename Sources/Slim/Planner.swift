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
    let pythonParts: PythonParts
    /// The paths that the profiles leave out of kept packages.
    private let leftOut: [ImagePathPattern]

    private(set) var kept: [FileTree.NodeID: Set<KeepReason>] = [:]
    /// The order in which nodes were kept first: the cause of a node's first reason has a lower number.
    private(set) var order: [FileTree.NodeID: Int] = [:]
    /// The matches of `--exclude`, which are never kept.
    private(set) var excluded = Set<FileTree.NodeID>()
    /// The first match of `--exclude` that a kept file needs.
    private var refused: (node: FileTree.NodeID, reason: KeepReason)?
    private var queue: [FileTree.NodeID] = []
    /// Packages that are kept with their dependencies.
    var expanded = Set<Int>()
    /// Packages of which only data was read.
    private var read = Set<Int>()
    /// The inodes whose commands were kept.
    var scanned = Set<FileTree.InodeID>()
    /// Objects whose libraries were looked up as part of a process.
    var walked = Set<FileTree.NodeID>()
    /// Programs whose RPATH applies to everything that they load.
    var programs: [Loader.Loaded] = []
    /// Libraries that are not in the image, with the files that need them.
    var missing: [MissingLibrary] = []
    /// Patterns of `--include` without a match.
    var vainIncludes: [ImagePathPattern] = []
    var applied = Set<Profile>()
    /// The names of the rules that were applied.
    var appliedRules = Set<String>()
    /// The program for which a profile is being applied.
    var profileCause: ImagePath?
    /// The versions of Python whose libraries were kept.
    var pythons = Set<String>()

    var tree: FileTree { contents.tree }

    init(_ contents: ImageFiles, _ options: SlimOptions) {
        self.contents = contents
        self.options = options
        packages = Packages(contents)
        loader = Loader(contents)
        pythonParts = PythonParts(contents)
        leftOut = ProfileRule.leftOut(of: contents)
    }

    /// Runs all steps.
    mutating func plan() throws(SlimError) {
        findExcluded()
        try keepRoots()
        keepApplication()
        keepIncluded()
        keepObserved()
        applyProfiles()
        while true {
            drain()
            let count = kept.count
            applyProfiles()
            keepPlugins()
            keepLinksToKept()
            if queue.isEmpty, kept.count == count { break }
        }
        if options.level == .safe { keepEverythingElse() }
        keepLayers()
        keepBytecode()
        keepPackageMetadata()
        if let refused { throw .excludedNeeded(tree.path(of: refused.node), chain: chain(of: refused)) }
        keepParents()
    }
}

// MARK: - Keeping

extension Planner {
    /// Keeps a node and examines its needs; of each kind of reason the first one remains.
    mutating func keep(_ node: FileTree.NodeID, _ reason: KeepReason) {
        if excluded.contains(node) {
            if reason.isRequirement, refused == nil { refused = (node, reason) }
            return
        }
        let isNew = kept[node] == nil
        let (hadUse, wasRun) = (isUsed(node), isRun(node))
        if kept[node]?.contains(where: { $0.name == reason.name }) ?? false { return }
        kept[node, default: []].insert(reason)
        if isNew { order[node] = order.count }
        if isNew || (reason.isUse && !hadUse) || (reason.isRun && !wasRun) { queue.append(node) }
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

    private func isUsed(_ node: FileTree.NodeID) -> Bool { kept[node]?.contains(where: \.isUse) ?? false }

    /// True if the file may be run by itself, and not only as a part of its package.
    func isRun(_ node: FileTree.NodeID) -> Bool { kept[node]?.contains(where: \.isRun) ?? false }

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
            keepCommands(of: node)
            guard isUsed(node) else { return }
            expandPackage(of: node)
            keepBundle(of: node)
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

    /// Keeps all of pip, npm or corepack if one of its programs is used.
    private mutating func keepBundle(of node: FileTree.NodeID) {
        let path = tree.path(of: node)
        guard let bundle = InstallerBundle(containing: path), let found = tree.resolve(bundle.directory) else { return }
        for node in tree.nodes(below: found.node) { keep(node, .package(bundle.name, by: path)) }
    }
}

// MARK: - Packages

extension Planner {
    /// Keeps the package of a used file, and its dependencies, except packages that every base image has.
    ///
    /// Of those, single files are kept, and of package managers only what is called. A file that was only read brings
    /// its package's other data, but no programs.
    private mutating func expandPackage(of node: FileTree.NodeID) {
        guard let first = packages.owner[node] else { return }
        if options.level == .trace { return keepNamed(of: first, for: node) }
        if isLoadable(node) { return keepPackage(first, for: node) }
        guard !expanded.contains(first), read.insert(first).inserted, !isSkipped(first) else { return }
        let cause = tree.path(of: node)
        let package = packages.list[first]
        for node in package.nodes where isWorthKeeping(node, nil) && !isLoadable(node) {
            keep(node, .package(package.name, by: cause))
        }
    }

    /// Keeps a package of which a program or library is used, and its dependencies.
    mutating func keepPackage(_ first: Int, for node: FileTree.NodeID) {
        let cause = tree.path(of: node)
        var pending = [first]
        while let index = pending.popLast() {
            let package = packages.list[index]
            let isCalledManager = index == first && DropKind.isManager(package.name)
            guard isCalledManager || !isSkipped(index), expanded.insert(index).inserted else { continue }
            // Programs beside a library are for its developers and administrators.
            let hasPrograms = index == first ? contents.isProgram(node) : !package.name.hasPrefix("lib")
            for node in package.nodes where isWorthKeeping(node, package.name) {
                if !hasPrograms, contents.isProgram(node) { continue }
                keep(node, .package(package.name, by: cause))
            }
            // Certificates need openssl only to be installed. Level trace follows what is linked and opened.
            if package.name != "ca-certificates", options.level != .trace {
                pending += packages.dependencies(of: index)
            }
        }
    }

    /// True for packages that every base image has and for package managers, of which single files are kept.
    func isSkipped(_ index: Int) -> Bool {
        packages.list[index].row.isBase || DropKind.isManager(packages.list[index].name)
    }

    /// True for a program, a library or a script.
    func isLoadable(_ node: FileTree.NodeID) -> Bool {
        let inode = tree[node: node].inode
        return contents.elf[inode] != nil || contents.scripts[inode] != nil
    }

    /// - Parameter called: The name of a package whose program is used itself.
    func isWorthKeeping(_ node: FileTree.NodeID, _ called: String?) -> Bool {
        let path = tree.path(of: node)
        if PythonBytecode.isCompiled(path) || pythonParts.isUnneeded(path)
            || leftOut.contains(where: { $0.matches(path) })
        {
            return false
        }
        guard let kind = DropKind(path, package: nil) else { return true }
        return !kind.isOutsidePackages || (called.map(DropKind.isManager) ?? false && kind == .packageManager)
    }
}

// MARK: - Exclusions and levels

extension Planner {
    private mutating func findExcluded() {
        guard !options.exclude.isEmpty else { return }
        var found = Set<FileTree.NodeID>()
        tree.walk { path, node in
            if options.exclude.contains(where: { $0.matches(path) }) { found.insert(node) }
        }
        excluded = found
    }

    /// Keeps every file that may be read at run time, for level `safe`.
    private mutating func keepEverythingElse() {
        var found: [FileTree.NodeID] = []
        tree.walk { path, node in
            guard kept[node] == nil, !PythonBytecode.isCompiled(path) else { return }
            let package = packages.owner[node].map { packages.list[$0].name }
            // A program may write to a directory of caches or logs; the directory stays.
            let kind = DropKind(path, package: package)
            let isPlace = tree.inode(of: node).kind.isDirectory && (kind == .temporary || kind == .cache)
            if kind?.isSafe ?? false, !isPlace { return }
            // A link to a dropped file would dangle.
            if case .symlink = tree.inode(of: node).kind, let target = tree.resolve(path)?.node,
                DropKind(tree.path(of: target), package: packages.owner[target].map { packages.list[$0].name })?.isSafe
                    ?? false
            {
                return
            }
            found.append(node)
        }
        for node in found { keep(node, .level(.safe)) }
    }

    /// Returns the reasons that lead to a refused file, one line each.
    private func chain(of refused: (node: FileTree.NodeID, reason: KeepReason)) -> [String] {
        let first = "\(tree.path(of: refused.node)) \(refused.reason)"
        guard let cause = refused.reason.cause, let node = tree.resolveParent(of: cause)?.node else { return [first] }
        return [first] + ReasonChain(tree: tree, kept: kept, order: order).lines(from: node)
    }
}
