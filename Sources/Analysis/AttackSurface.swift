internal import OCI

/// Security risks in a file tree: setuid files, writable paths, package managers.
struct AttackSurface {
    /// Files that run with their owner's or group's rights.
    private(set) var setuid: [ImagePath] = []
    /// Files and directories that every user may change.
    private(set) var worldWritable: [ImagePath] = []
    /// Package managers, with the bytes of their package if known, or else of the program.
    private(set) var packageManagers: [(path: ImagePath, bytes: Int64, layer: Int)] = []

    private static let setuidBits: UInt16 = 0o6000
    private static let stickyBit: UInt16 = 0o1000
    private static let othersWrite: UInt16 = 0o002
    private static let programDirectories = ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"]
    private static let managerNames = [
        "apk", "apt", "apt-get", "cargo", "composer", "conda", "dnf", "dpkg", "gem", "microdnf", "npm", "pip", "pip3",
        "pnpm",
        "rpm", "uv", "yarn", "yum", "zypper",
    ]

    init(_ tree: FileTree, _ packages: [Package]) {
        tree.walk { path, node in
            let inode = tree.inode(of: node)
            let mode = inode.metadata.mode
            if inode.kind.isFile, mode & Self.setuidBits != 0 { setuid.append(path) }
            let isOpen = mode & Self.othersWrite != 0 && mode & Self.stickyBit == 0
            if isOpen, inode.kind.isFile || inode.kind.isDirectory { worldWritable.append(path) }
        }
        findManagers(in: tree, packages)
    }

    private mutating func findManagers(in tree: FileTree, _ packages: [Package]) {
        var bytes: [String: Int64] = [:]
        var seen: Set<FileTree.InodeID> = []
        for package in packages { bytes[package.name] = max(bytes[package.name] ?? 0, package.bytes) }
        for directory in Self.programDirectories.compactMap({ try? ImagePath($0) }) {
            for name in Self.managerNames {
                let path = directory.appending(Array(name.utf8))
                guard let node = tree.resolve(path)?.node, !Self.isApplet(node, in: tree) else { continue }
                let inode = tree.inode(of: node)
                // pip and pip3 are one program.
                guard inode.kind.isFile, seen.insert(tree[node: node].inode).inserted else { continue }
                packageManagers.append((path, bytes[name] ?? inode.kind.size, inode.layer))
            }
        }
    }

    /// True for a program of many names, such as BusyBox, in which a package manager is a small part.
    private static func isApplet(_ node: FileTree.NodeID, in tree: FileTree) -> Bool {
        let inode = tree.inode(of: node)
        if inode.linkCount > 20 { return true }
        let names = [tree[node: node].name, Array(inode.path.name)].map { String(decoding: $0, as: UTF8.self) }
        return names.contains { ["busybox", "toybox", "busybox.static"].contains($0) }
    }

    /// True if a user setting means root.
    static func isRoot(_ user: String) -> Bool {
        let name = user.prefix { $0 != ":" }
        return name.isEmpty || name == "root" || name.allSatisfy { $0 == "0" }
    }
}
