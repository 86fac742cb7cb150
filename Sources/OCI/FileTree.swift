/// The files of an image's layers: every visible file, and every file that a later layer replaced or deleted.
///
/// The tree is built in one pass over the layers' headers, lowest first. A path is a ``Node``. It refers to an
/// ``Inode``, which several paths may share (hard links) and which remains after them. An inode without names records
/// the layer that removed its last one, and the way. The waste model needs nothing else (live bytes are the bytes of
/// live inodes).
///
/// Rules for one layer: whiteouts act on lower layers only and before anything of their own layer; a directory over a
/// directory takes the new attributes and keeps its children; anything else replaces. A parent that is a symbolic link
/// is followed inside the root, as when the layer is applied to a mounted tree; a link that leaves the root is an
/// error. Parents that no layer mentions appear as directories of mode 0755 owned by root.
public struct FileTree: Sendable {
    /// The identity of a file, stable for one tree.
    public typealias InodeID = Int
    /// The identity of a path, stable for one tree.
    public typealias NodeID = Int

    /// The way in which a file lost its last name.
    public enum Removal: Hashable, Sendable {
        /// A whiteout of that layer.
        case deleted(layer: Int)
        /// An entry of that layer at the same path, or a file in place of a directory above it.
        case replaced(layer: Int, by: InodeID)

        /// The layer that removed the name.
        public var layer: Int {
            switch self {
            case .deleted(let layer), .replaced(let layer, _): layer
            }
        }
    }

    /// A file, live or not.
    public struct Inode: Sendable {
        /// The kind of the file.
        public let kind: FileKind
        /// The mode, owner, times and attributes.
        public let metadata: FileMetadata
        /// The index of the layer that has it.
        public let layer: Int
        /// Its entry's number in that layer, or -1 for a directory that no layer mentions.
        public let ordinal: Int
        /// The path of its entry.
        public let path: ImagePath
        /// The SHA-256 of its content, if the tree was read with contents.
        public let content: Digest?
        /// The number of paths that refer to it now.
        public internal(set) var linkCount = 0
        /// The way in which it lost its last name, if it did.
        public internal(set) var removal: Removal?
    }

    /// A path that exists.
    public struct Node: Sendable {
        /// The last component.
        public let name: [UInt8]
        /// The parent directory; the root is its own.
        public let parent: NodeID
        /// The inode that it refers to.
        public internal(set) var inode: InodeID
        /// The entries of a directory.
        public internal(set) var children: [[UInt8]: NodeID] = [:]
    }

    /// Every inode of any layer, in order of appearance.
    public private(set) var inodes: [Inode] = []
    /// Whiteouts that removed nothing, by layer.
    public private(set) var danglingWhiteouts: [(layer: Int, path: ImagePath)] = []
    /// The files added, changed and removed by each layer.
    public private(set) var changes: [LayerChanges] = []
    private var nodes: [Node] = []
    /// True while a layer is applied whose links can't leave the root.
    private var staysInRoot = false

    /// The changes of one layer to the tree below it, counted in paths that are not directories.
    public struct LayerChanges: Hashable, Sendable {
        /// New paths.
        public var added = 0
        /// Paths that existed before.
        public var modified = 0
        /// Paths that a whiteout removed.
        public var removed = 0
    }

    /// The identity of the root directory's node.
    public static let rootNode: NodeID = 0
    private static let maximumLinks = 40

    /// Makes an empty root.
    public init() {
        inodes = [Self.implicitDirectory(at: .root, layer: 0)]
        inodes[0].linkCount = 1
        nodes = [Node(name: [], parent: 0, inode: 0)]
    }

    /// Applies a layer: its entries in the order of its tar, with the digests of contents if they were read.
    ///
    /// - Parameter staysInRoot: True if `..` in a link stops at the root, as for an archive that is unpacked there.
    /// - Throws: ``OCIError/unsafeEntry(_:layer:reason:)`` for an entry that can't be placed.
    public mutating func apply(
        _ entries: [(entry: LayerEntry, content: Digest?)], layer: Int, name: String, staysInRoot: Bool = false
    ) throws(OCIError) {
        self.staysInRoot = staysInRoot
        changes.append(LayerChanges())
        for (entry, _) in entries {
            if entry.change == .remove { try remove(entry.path, layer: layer, name: name) }
            if entry.change == .clear { try clear(entry.path, layer: layer, name: name) }
        }
        for (ordinal, (entry, content)) in entries.enumerated() {
            switch entry.change {
            case .remove, .clear: continue
            case .add(let kind):
                let inode = Inode(
                    kind: kind, metadata: entry.metadata, layer: layer, ordinal: ordinal, path: entry.path,
                    content: content)
                try add(inode, name: name)
            case .link(let target): try link(entry.path, to: target, layer: layer, name: name)
            }
        }
    }
}

// MARK: - Reading

extension FileTree {
    /// The node of an identity.
    public subscript(node id: NodeID) -> Node { nodes[id] }

    /// Returns the inode that a node refers to.
    public func inode(of node: NodeID) -> Inode { inodes[nodes[node].inode] }

    /// Returns the node at exactly `path`, without following links.
    public func node(at path: ImagePath) -> NodeID? {
        var id = Self.rootNode
        for component in path.components {
            guard let child = nodes[id].children[Array(component)] else { return nil }
            id = child
        }
        return id
    }

    /// Returns the inode at exactly `path`, without following links.
    public func inode(at path: ImagePath) -> Inode? { node(at: path).map(inode(of:)) }

    /// Returns the path of a node.
    public func path(of node: NodeID) -> ImagePath {
        var names: [[UInt8]] = []
        var id = node
        while id != Self.rootNode {
            names.append(nodes[id].name)
            id = nodes[id].parent
        }
        return names.reversed().reduce(.root) { $0.appending($1) }
    }

    /// Follows symbolic links inside the root, also that of the last component; nil if there is no target.
    ///
    /// Returns the target's node and the links on the way.
    public func resolve(_ path: ImagePath) -> (node: NodeID, links: [NodeID])? {
        resolve(path, following: true)
    }

    /// True if `path` leads to a directory, with links followed.
    public func isDirectory(_ path: ImagePath) -> Bool {
        resolve(path).map { inode(of: $0.node).kind.isDirectory } ?? false
    }

    /// Follows links as ``resolve(_:)``, but not that of the last component.
    public func resolveParent(of path: ImagePath) -> (node: NodeID, links: [NodeID])? {
        resolve(path, following: false)
    }

    /// Visits all live nodes, each directory before its entries, names in byte order.
    public func walk(from start: NodeID = rootNode, _ body: (ImagePath, NodeID) throws -> Void) rethrows {
        var stack = [(path(of: start), start)]
        while let (path, id) = stack.popLast() {
            try body(path, id)
            let children = nodes[id].children.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (name, child) in children.reversed() { stack.append((path.appending(name), child)) }
        }
    }

    /// The bytes of all live regular files, each inode once.
    public var liveBytes: Int64 { inodes.reduce(0) { $0 + ($1.linkCount > 0 ? $1.kind.size : 0) } }

    private func resolve(_ path: ImagePath, following: Bool) -> (node: NodeID, links: [NodeID])? {
        var pending = Array(path.components.map(Array.init).reversed())
        var id = Self.rootNode
        var links: [NodeID] = []
        while let name = pending.popLast() {
            if name == [UInt8(ascii: ".")] { continue }
            if name == [UInt8(ascii: "."), UInt8(ascii: ".")] {
                id = nodes[id].parent
                continue
            }
            guard let child = nodes[id].children[name] else { return nil }
            guard case .symlink(let target) = inode(of: child).kind, following || !pending.isEmpty else {
                id = child
                continue
            }
            links.append(child)
            guard links.count <= Self.maximumLinks else { return nil }
            if target.first == UInt8(ascii: "/") { id = Self.rootNode }
            pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
        }
        return (id, links)
    }
}

// MARK: - Applying a layer

extension FileTree {
    private mutating func add(_ inode: Inode, name layerName: String) throws(OCIError) {
        guard !inode.path.isRoot else { return try replaceRoot(with: inode, name: layerName) }
        let parent = try directory(for: inode.path, layer: inode.layer, name: layerName)
        let name = Array(inode.path.name)
        let id = inodes.count
        inodes.append(inode)
        if let old = nodes[parent].children[name] {
            count(\.modified, of: inode.kind, layer: inode.layer)
            if inode.kind.isDirectory && self.inode(of: old).kind.isDirectory {
                return rename(old, to: id, removal: .replaced(layer: inode.layer, by: id))
            }
            markRemoved(old, .replaced(layer: inode.layer, by: id))
        } else {
            count(\.added, of: inode.kind, layer: inode.layer)
        }
        insert(Node(name: name, parent: parent, inode: id), into: parent)
    }

    private mutating func link(_ path: ImagePath, to target: ImagePath, layer: Int, name layerName: String)
        throws(OCIError)
    {
        guard let found = resolveParent(of: target), !inode(of: found.node).kind.isDirectory, !path.isRoot else {
            throw .unsafeEntry(
                path.description, layer: layerName, reason: "is a hard link to '\(target)', which is not a file")
        }
        let id = nodes[found.node].inode
        let parent = try directory(for: path, layer: layer, name: layerName)
        let name = Array(path.name)
        if let old = nodes[parent].children[name] {
            guard nodes[old].inode != id else { return }
            count(\.modified, of: inodes[id].kind, layer: layer)
            markRemoved(old, .replaced(layer: layer, by: id))
        } else {
            count(\.added, of: inodes[id].kind, layer: layer)
        }
        insert(Node(name: name, parent: parent, inode: id), into: parent)
    }

    private mutating func remove(_ path: ImagePath, layer: Int, name layerName: String) throws(OCIError) {
        guard !path.isRoot, let found = resolveParent(of: path) else {
            danglingWhiteouts.append((layer, path))
            return
        }
        markRemoved(found.node, .deleted(layer: layer))
    }

    private mutating func clear(_ path: ImagePath, layer: Int, name layerName: String) throws(OCIError) {
        guard let found = resolve(path), inode(of: found.node).kind.isDirectory else { return }
        for child in nodes[found.node].children.values.sorted() { markRemoved(child, .deleted(layer: layer)) }
    }

    private mutating func replaceRoot(with inode: Inode, name: String) throws(OCIError) {
        guard inode.kind.isDirectory else {
            throw .unsafeEntry("/", layer: name, reason: "replaces the root with something that is not a directory")
        }
        let id = inodes.count
        inodes.append(inode)
        rename(Self.rootNode, to: id, removal: .replaced(layer: inode.layer, by: id))
    }

    /// Returns the parent directory of `path`, created if missing, with links followed inside the root.
    private mutating func directory(for path: ImagePath, layer: Int, name layerName: String) throws(OCIError) -> NodeID
    {
        var pending = Array(path.parent.components.map(Array.init).reversed())
        var id = Self.rootNode
        var links = 0
        while let name = pending.popLast() {
            if name == [UInt8(ascii: ".")] { continue }
            if name == [UInt8(ascii: "."), UInt8(ascii: ".")] {
                guard id != Self.rootNode || staysInRoot else {
                    throw .unsafeEntry(
                        path.description, layer: layerName, reason: "leaves the root through a symbolic link")
                }
                id = nodes[id].parent
                continue
            }
            guard let child = nodes[id].children[name] else {
                id = makeDirectory(name, in: id, layer: layer)
                continue
            }
            switch inode(of: child).kind {
            case .directory: id = child
            case .symlink(let target):
                links += 1
                guard links <= Self.maximumLinks else {
                    throw .unsafeEntry(
                        path.description, layer: layerName, reason: "goes through a loop of symbolic links")
                }
                if target.first == UInt8(ascii: "/") { id = Self.rootNode }
                pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
            default:
                markRemoved(child, .replaced(layer: layer, by: inodes.count))
                id = makeDirectory(name, in: id, layer: layer)
            }
        }
        return id
    }

    private mutating func makeDirectory(_ name: [UInt8], in parent: NodeID, layer: Int) -> NodeID {
        inodes.append(Self.implicitDirectory(at: path(of: parent).appending(name), layer: layer))
        return insert(Node(name: name, parent: parent, inode: inodes.count - 1), into: parent)
    }

    private static func implicitDirectory(at path: ImagePath, layer: Int) -> Inode {
        Inode(
            kind: .directory, metadata: FileMetadata(mode: 0o755), layer: layer, ordinal: -1, path: path, content: nil)
    }

    @discardableResult
    private mutating func insert(_ node: Node, into parent: NodeID) -> NodeID {
        nodes.append(node)
        nodes[parent].children[node.name] = nodes.count - 1
        inodes[node.inode].linkCount += 1
        return nodes.count - 1
    }

    private mutating func rename(_ node: NodeID, to inode: InodeID, removal: Removal) {
        release(nodes[node].inode, removal)
        nodes[node].inode = inode
        inodes[inode].linkCount += 1
    }

    /// Removes a node and all below it from the tree.
    private mutating func markRemoved(_ node: NodeID, _ removal: Removal) {
        nodes[nodes[node].parent].children[nodes[node].name] = nil
        var stack = [node]
        while let id = stack.popLast() {
            stack += nodes[id].children.values
            nodes[id].children = [:]
            if case .deleted(let layer) = removal { count(\.removed, of: inode(of: id).kind, layer: layer) }
            release(nodes[id].inode, removal)
        }
    }

    private mutating func release(_ inode: InodeID, _ removal: Removal) {
        inodes[inode].linkCount -= 1
        if inodes[inode].linkCount == 0 { inodes[inode].removal = removal }
    }

    private mutating func count(_ field: WritableKeyPath<LayerChanges, Int>, of kind: FileKind, layer: Int) {
        if !kind.isDirectory { changes[changes.count - 1][keyPath: field] += 1 }
    }
}
