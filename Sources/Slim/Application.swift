internal import ImageFiles
internal import OCI

extension Planner {
    /// Files that package managers, installers and builds leave behind and that no package owns.
    private static let leftovers = [
        "boot", "dev", "proc", "sys", "etc/.pwd.lock", "etc/alternatives", "etc/apt", "etc/cron.d", "etc/cron.daily",
        "etc/dpkg", "etc/environment", "etc/fstab", "etc/group-", "etc/gshadow", "etc/gshadow-", "etc/init.d",
        "etc/ld.so.cache", "etc/motd", "etc/mtab", "etc/pam.d", "etc/passwd-", "etc/profile", "etc/profile.d",
        "etc/python3/debian_config", "etc/rc0.d", "etc/rc1.d", "etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d",
        "etc/rc6.d", "etc/rcS.d", "etc/security", "etc/shadow", "etc/shadow-", "etc/shells", "etc/skel", "etc/subgid",
        "etc/subuid", "etc/systemd", "lib/apk", "etc/apk", "root/.bashrc", "root/.bash_history", "root/.cache",
        "root/.profile", "root/.wget-hsts", "usr/share/doc", "usr/share/info", "usr/share/man", "usr/share/locale",
        "usr/share/zoneinfo", "usr/lib/locale", "usr/share/i18n",
        "var/backups", "var/cache/apk", "var/cache/apt", "var/cache/debconf", "var/cache/fontconfig",
        "var/cache/ldconfig", "var/cache/man", "var/lib/apt", "var/lib/dpkg", "var/lib/pam", "var/lib/python",
        "var/lib/shells.state", "var/lib/systemd", "var/lib/ucf", "var/lib/update-rc.d",
    ].map { ImagePath.known($0) }
    /// Directories that may belong to the application, unlike the files in them.
    private static let scratch = ["run", "tmp", "var/log", "var/tmp", "var/run"].map { ImagePath.known($0) }
    /// Directories in which a distribution puts links into packages.
    private static let system = ["bin", "sbin", "lib", "lib64", "usr", "etc"].map { ImagePath.known($0) }
    private static let installed = ImagePath.known("usr")
    private static let local = ImagePath.known("usr/local")

    /// Keeps the files that no package owns and no installer left behind.
    mutating func keepApplication() {
        let owned = Set(packages.list.flatMap(\.nodes))
        var found: [FileTree.NodeID] = []
        tree.walk { path, node in
            if !owned.contains(node), isApplication(path, node) { found.append(node) }
        }
        for node in found { keep(node, .application) }
    }

    private func isApplication(_ path: ImagePath, _ node: FileTree.NodeID) -> Bool {
        if Self.leftovers.contains(where: { path.isWithin($0) }) || InstallerBundle(containing: path) != nil
            || pythonParts.isUnneeded(path)
            || isForCompilers(path)
        {
            return false
        }
        switch tree.inode(of: node).kind {
        case .directory: return !path.isRoot && !(path.name.elementsEqual("__pycache__".utf8))
        case .symlink: return !isLinkIntoPackages(path)
        case .file: return !Self.scratch.contains { path.isWithin($0) } && !PythonBytecode.isCompiled(path)
        case .characterDevice, .blockDevice, .fifo: return !Self.scratch.contains { path.isWithin($0) }
        }
    }

    /// True for headers, manuals and static libraries that were installed in /usr without a package.
    private func isForCompilers(_ path: ImagePath) -> Bool {
        guard path.isWithin(Self.installed) else { return false }
        switch DropKind(path, package: nil) {
        case .development, .documentation: return true
        default: return false
        }
    }

    /// True for a link such as `/usr/bin/awk`, which is needed only if its target is.
    private func isLinkIntoPackages(_ path: ImagePath) -> Bool {
        guard let found = tree.resolve(path) else { return false }
        if InstallerBundle(containing: tree.path(of: found.node)) != nil { return true }
        guard Self.system.contains(where: { path.isWithin($0) }), !path.isWithin(Self.local) else { return false }
        return packages.owner[found.node] != nil
    }

    /// Keeps links into packages whose target is kept.
    mutating func keepLinksToKept() {
        var links: [FileTree.Found] = []
        tree.walk { path, node in
            guard tree.inode(of: node).kind.isSymlink, !isKept(node), packages.owner[node] == nil,
                !Self.leftovers.contains(where: { path.isWithin($0) }), isLinkIntoPackages(path),
                let found = tree.resolve(path), isKept(found.node)
            else { return }
            links.append(FileTree.Found(node: found.node, links: [node]))
        }
        for link in links {
            for node in link.links { keep(node, .symlink(to: tree.path(of: link.node))) }
        }
    }
}

// MARK: - Python's compiled files

extension Planner {
    /// Keeps the compiled forms of kept sources, and no others.
    ///
    /// Their times must not change, or they would be stale.
    mutating func keepBytecode() {
        for source in kept.keys.sorted() where tree[node: source].name.suffix(3).elementsEqual(".py".utf8) {
            let directory = tree[node: source].parent
            guard let cache = tree[node: directory].children[Array("__pycache__".utf8)] else { continue }
            let (path, cachePath) = (tree.path(of: source), tree.path(of: cache))
            let stem = tree[node: source].name.dropLast(2)
            for (name, node) in tree.children(of: cache) where name.starts(with: stem) {
                if PythonBytecode.source(of: cachePath.appending(name)) == path { keep(node, .bytecode(of: path)) }
            }
        }
    }
}

// MARK: - The end

extension Planner {
    /// Keeps the parent directories of all kept paths, in their order, so that equal plans give equal reasons.
    mutating func keepParents() {
        for node in kept.keys.sorted() {
            var (child, directory) = (node, tree[node: node].parent)
            while !isKept(directory) {
                keep(directory, .parentDirectory(of: tree.path(of: child)))
                if directory == FileTree.rootNode || !isKept(directory) { break }
                (child, directory) = (directory, tree[node: directory].parent)
            }
        }
    }
}
