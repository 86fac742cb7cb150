public import OCI

/// The figures of dive 0.13, exactly as it computes them, for a comparison with earlier reports.
///
/// dive counts a path that several layers have, with all its copies, as wasted. It doesn't see files below a deleted
/// directory, and it stops reading a layer at a whiteout of nothing. ``Waste`` has the correct figures.
public struct DiveMetric: Sendable, Equatable {
    /// A path that several layers have.
    public struct RepeatedPath: Sendable, Equatable {
        public let path: ImagePath
        /// The number of layers that have it, whiteouts included.
        public let count: Int
        /// The bytes of all copies, also of the one that stays.
        public let bytes: Int64
    }

    /// The smallest copies as a part of all copies.
    public let efficiency: Double
    /// The paths that several layers have, the largest first.
    public let items: [RepeatedPath]
    /// The bytes of all layers but the first.
    public let userBytes: Int64

    /// The bytes of all items.
    public var wastedBytes: Int64 { items.reduce(0) { $0 &+ $1.bytes } }

    /// The wasted bytes as a part of the user's; nil without such bytes, where dive has NaN.
    public var userWastedPercent: Double? { userBytes == 0 ? nil : Double(wastedBytes) / Double(userBytes) }

    /// Counts the entries of layers, lowest first.
    public init(_ layers: [[LayerEntry]]) {
        var count = DiveCount()
        for (index, entries) in layers.enumerated() { count.add(DiveTree(entries), index: index) }
        let sums = count.paths.values
        let (least, all) = (sums.reduce(0) { $0 &+ $1.least }, sums.reduce(0) { $0 &+ $1.bytes })
        efficiency = all == 0 ? 1 : Double(least) / Double(all)
        items = count.paths.filter { $0.value.count > 1 }
            .map { RepeatedPath(path: $0.key, count: $0.value.count, bytes: $0.value.bytes) }
            .sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
        userBytes = layers.dropFirst().joined().reduce(0) { $0 &+ $1.size }
    }
}

/// The copies of each path, as dive adds them up.
private struct DiveCount {
    struct Sum {
        var count = 0
        var bytes: Int64 = 0
        /// The size of the smallest copy; -1 for a path that was only looked up in vain.
        var least: Int64 = -1
    }

    private(set) var paths: [ImagePath: Sum] = [:]
    private var stack = DiveTree([])

    mutating func add(_ tree: DiveTree, index: Int) {
        // A whiteout in the first layer is looked up in that layer.
        if index == 0 { stack = tree }
        _ = visit(DiveTree.root, at: .root, in: tree)
        if index > 0 { stack.stack(tree) }
    }

    /// Visits the leaves below a node; returns false at a whiteout of nothing, which ends dive's reading of the layer.
    private mutating func visit(_ node: Int, at path: ImagePath, in tree: DiveTree) -> Bool {
        for (raw, child) in tree.sortedChildren(of: node) {
            let childPath = path.appending(DiveTree.name(raw))
            guard visit(child, at: childPath, in: tree) else { return false }
            guard tree.nodes[child].children.isEmpty else { continue }
            guard let size = size(raw, child, at: childPath, in: tree) else {
                if paths[childPath] == nil { paths[childPath] = Sum() }
                return false
            }
            var sum = paths[childPath] ?? Sum()
            sum.count += 1
            sum.bytes &+= size
            if sum.least < 0 || size < sum.least { sum.least = size }
            paths[childPath] = sum
        }
        return true
    }

    private func size(_ raw: [UInt8], _ node: Int, at path: ImagePath, in tree: DiveTree) -> Int64? {
        guard DiveTree.isWhiteout(raw) else { return tree.nodes[node].size }
        guard let removed = stack.node(at: path) else { return nil }
        return stack.nodes[removed].isDirectory ? stack.bytes(below: removed) : 0
    }
}

/// A tree of paths with dive's rules: whiteouts are nodes, and a parent without an entry is no directory.
private struct DiveTree {
    struct SizeNode {
        var size: Int64 = 0
        var isDirectory = false
        var children: [[UInt8]: Int] = [:]
    }

    static let root = 0
    private static let mark = Array(".wh.".utf8)

    private(set) var nodes = [SizeNode()]

    init(_ entries: [LayerEntry]) {
        for entry in entries where !entry.path.isRoot {
            switch entry.change {
            case .add(let kind): set(entry.path, size: kind.size, isDirectory: kind.isDirectory)
            case .link: set(entry.path, size: 0, isDirectory: false)
            case .remove:
                let parent = make(entry.path.parent)
                _ = child(Self.mark + entry.path.name, of: parent)
            case .clear: _ = make(entry.path)
            }
        }
    }

    static func isWhiteout(_ raw: [UInt8]) -> Bool { raw.starts(with: mark) }

    /// Returns the name that a whiteout removes, or the name itself.
    static func name(_ raw: [UInt8]) -> ArraySlice<UInt8> { isWhiteout(raw) ? raw.dropFirst(mark.count) : raw[...] }

    func sortedChildren(of node: Int) -> [(key: [UInt8], value: Int)] {
        nodes[node].children.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func node(at path: ImagePath) -> Int? {
        var node = Self.root
        for name in path.components {
            guard let child = nodes[node].children[Array(name)] else { return nil }
            node = child
        }
        return node
    }

    func bytes(below node: Int) -> Int64 {
        var (sum, waiting) = (Int64(0), [node])
        while let next = waiting.popLast() {
            sum &+= nodes[next].size
            waiting += nodes[next].children.values
        }
        return sum
    }

    /// Puts a layer's tree over this one.
    mutating func stack(_ upper: DiveTree) { stack(upper, Self.root, over: Self.root) }

    private mutating func stack(_ upper: DiveTree, _ node: Int, over lower: Int) {
        for (raw, child) in upper.sortedChildren(of: node) {
            if Self.isWhiteout(raw) {
                nodes[lower].children[Array(Self.name(raw))] = nil
            } else {
                let target = self.child(raw, of: lower)
                nodes[target].size = upper.nodes[child].size
                nodes[target].isDirectory = upper.nodes[child].isDirectory
                stack(upper, child, over: target)
            }
        }
    }

    private mutating func set(_ path: ImagePath, size: Int64, isDirectory: Bool) {
        let node = make(path)
        nodes[node].size = size
        nodes[node].isDirectory = isDirectory
    }

    private mutating func make(_ path: ImagePath) -> Int {
        path.components.reduce(Self.root) { child(Array($1), of: $0) }
    }

    private mutating func child(_ name: [UInt8], of node: Int) -> Int {
        if let child = nodes[node].children[name] { return child }
        nodes.append(SizeNode())
        nodes[node].children[name] = nodes.count - 1
        return nodes.count - 1
    }
}
