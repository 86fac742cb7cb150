public import Linux
public import OCI

extension ImageFiles {
    /// The image's variables.
    public var environment: [(name: String, value: String)] {
        image.config.environment.compactMap { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
    }

    /// Returns the row of /etc/passwd that a USER refers to; nil if there is none that a process could use.
    public func row(ofUser user: String) -> Accounts.User? { try? accounts.user(Array(user.utf8)) }

    /// The accounts in /etc/passwd and /etc/group.
    public var accounts: Accounts {
        Accounts(
            passwd: text(at: .known("etc/passwd")) ?? [], group: text(at: .known("etc/group")) ?? [])
    }

    /// The directories in which programs are looked up.
    public var searchPath: [String] {
        let fallback = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return (image.config.environmentValue("PATH") ?? fallback).split(separator: ":").map(String.init)
    }

    /// The node of the working directory, or else of the root.
    public var workingNode: FileTree.NodeID {
        tree.follow(image.config.workingDirectory.utf8, from: FileTree.rootNode)?.node ?? FileTree.rootNode
    }

    /// Returns the file of a program's name: by path, or along PATH.
    public func program(_ name: [UInt8]) -> FileTree.Found? {
        guard !name.isEmpty else { return nil }
        if name.contains(UInt8(ascii: "/")) { return file(tree.follow(name, from: workingNode)) }
        for directory in searchPath {
            let found = tree.follow(Array(directory.utf8) + [UInt8(ascii: "/")] + name, from: workingNode)
            if let found = file(found), tree.inode(of: found.node).metadata.mode & 0o111 != 0 { return found }
        }
        return nil
    }

    /// Returns `found` if it is a regular file.
    public func file(_ found: FileTree.Found?) -> FileTree.Found? {
        found.flatMap { tree.inode(of: $0.node).kind.isFile ? $0 : nil }
    }
}

extension FileTree {
    /// The end of a path, and the links on the way.
    public struct Found: Sendable, Hashable {
        public var node: NodeID
        public var links: [NodeID]

        /// The node at the end of a path, reached through `links`.
        public init(node: NodeID, links: [NodeID]) {
            self.node = node
            self.links = links
        }
    }

    /// Follows a path as a program writes it, including `..`: absolute, or from `start`.
    public func follow(_ text: some Collection<UInt8>, from start: NodeID) -> Found? {
        var found = Found(node: text.first == UInt8(ascii: "/") ? Self.rootNode : start, links: [])
        guard !text.contains(0), text.count <= 4096 else { return nil }
        for name in text.split(separator: UInt8(ascii: "/")) {
            if name.elementsEqual(".".utf8) { continue }
            if name.elementsEqual("..".utf8) {
                found.node = self[node: found.node].parent
                continue
            }
            guard let child = self[node: found.node].children[Array(name)] else { return nil }
            guard inode(of: child).kind.isSymlink else {
                found.node = child
                continue
            }
            guard let next = resolve(path(of: child)) else { return nil }
            found.node = next.node
            found.links += next.links
        }
        return found
    }

    /// Returns everything below a directory, the directory first.
    public func nodes(below start: NodeID) -> [NodeID] {
        var list: [NodeID] = []
        walk(from: start) { _, node in list.append(node) }
        return list
    }

    /// Returns the entries of a directory, sorted by name.
    public func children(of node: NodeID) -> [(name: [UInt8], node: NodeID)] {
        self[node: node].children.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }
}

extension ImagePath {
    /// Makes a path from a constant of this program.
    public static func known(_ text: String) -> ImagePath {
        do {
            return try ImagePath(text)
        } catch {
            preconditionFailure("the constant path '\(text)' \(error)")
        }
    }
}
