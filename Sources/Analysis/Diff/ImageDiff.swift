internal import ImageFiles
public import Linux
public import OCI

/// The difference of two images, file by file and setting by setting.
public struct ImageDiff: Sendable {
    /// A path that differs.
    public struct ChangedPath: Sendable {
        public let path: ImagePath
        /// The file in the first image; nil if it has none.
        public let before: PathVersion?
        /// The file in the second image; nil if it has none.
        public let after: PathVersion?
    }

    /// A path in one of the images.
    public struct PathVersion: Sendable {
        /// The kind, size, owner, mode, time and attributes.
        public let inode: FileTree.Inode
        /// The layer that it comes from; 0 is the lowest.
        public var layer: Int { inode.layer }
    }

    /// A setting that differs.
    public struct Setting: Sendable, Hashable {
        /// The member's path in the configuration: `config.Env[2]`.
        public let key: String
        /// The value in the first image as JSON; nil if it has none.
        public let before: String?
        /// The value in the second image as JSON; nil if it has none.
        public let after: String?
    }

    /// The paths, in byte order.
    public let files: [ChangedPath]
    /// The settings, by key.
    public let settings: [Setting]
    /// The lines of history that one image has.
    public let history: [HistoryChange]
    /// The number of common lines of history with another time or comment.
    public let historyTimes: Int
    /// The lowest layer that differs; nil if all are the same.
    public let firstLayer: Int?

    /// Compares two images, reading every layer with its contents.
    public init(between before: Image, and after: Image) async throws {
        let (old, new) = (try await before.tree(contents: true), try await after.tree(contents: true))
        self.init((before, old), (after, new))
    }

    /// Compares two images by their trees, which were read with contents.
    init(_ old: (image: Image, tree: FileTree), _ new: (image: Image, tree: FileTree)) {
        let (before, after) = (old.image, new.image)
        files = Self.files(old.tree, new.tree)
        settings = ConfigSettings.differences(ConfigSettings(before.config), ConfigSettings(after.config))
        (history, historyTimes) = HistoryChange.all(before.config.history, after.config.history)
        let shared = zip(before.layers, after.layers).prefix { $0.diffID == $1.diffID }.count
        firstLayer = shared < max(before.layers.count, after.layers.count) ? shared : nil
    }

    private init(
        files: [ChangedPath], settings: [Setting], history: [HistoryChange], historyTimes: Int, firstLayer: Int?
    ) {
        (self.files, self.settings, self.history) = (files, settings, history)
        (self.historyTimes, self.firstLayer) = (historyTimes, firstLayer)
    }

    /// True if files, settings and history are the same.
    public var isEmpty: Bool { files.isEmpty && settings.isEmpty && history.isEmpty && historyTimes == 0 }

    /// The differences without those of times and orders.
    public var semantic: ImageDiff {
        ImageDiff(
            files: files.filter { $0.what != ["time"] },
            settings: settings.filter { !["created", ConfigSettings.orderKey].contains($0.key) }, history: history,
            historyTimes: 0, firstLayer: firstLayer)
    }

    private static func files(_ old: FileTree, _ new: FileTree) -> [ChangedPath] {
        var files: [ChangedPath] = []
        old.walk { path, node in
            let (before, after) = (old.inode(of: node), new.inode(at: path))
            if let after, isSame(before, after) { return }
            files.append(
                ChangedPath(path: path, before: PathVersion(inode: before), after: after.map { PathVersion(inode: $0) })
            )
        }
        new.walk { path, node in
            guard old.node(at: path) == nil else { return }
            files.append(ChangedPath(path: path, before: nil, after: PathVersion(inode: new.inode(of: node))))
        }
        return files.sorted { $0.path < $1.path }
    }

    private static func isSame(_ left: FileTree.Inode, _ right: FileTree.Inode) -> Bool {
        left.kind == right.kind && left.metadata == right.metadata && left.content == right.content
            && left.linkCount == right.linkCount
    }
}

extension ImageDiff.ChangedPath {
    /// The differing properties of a path in both images, otherwise empty.
    ///
    /// They are `content`, `mode`, `owner`, `time`, `attributes`, `kind` and `links`.
    public var what: [String] {
        guard let before = before?.inode, let after = after?.inode else { return [] }
        let (old, new) = (before.metadata, after.metadata)
        var what: [String] = []
        if before.kind.isFile != after.kind.isFile || (!before.kind.isFile && before.kind != after.kind) {
            what.append("kind")
        } else if before.content != after.content || before.kind != after.kind {
            what.append("content")
        }
        if old.mode != new.mode { what.append("mode") }
        if old.uid != new.uid || old.gid != new.gid { what.append("owner") }
        if old.mtime != new.mtime { what.append("time") }
        if old.xattrs != new.xattrs { what.append("attributes") }
        if before.linkCount != after.linkCount { what.append("links") }
        return what
    }

    /// The line for people: `+ 1.2kB /path`, `- /path`, `~ content, mode /path`.
    public var text: String {
        let name = path.description.visibleLine
        switch (before, after) {
        case (nil, let after?): return "+ \(name)  \(ByteCount(after.inode.kind.size))"
        case (let before?, nil): return "- \(name)  \(ByteCount(before.inode.kind.size))"
        default: return "~ \(name)  \(what.map(explained).joined(separator: ", "))"
        }
    }

    private func explained(_ what: String) -> String {
        guard let before = before?.inode, let after = after?.inode else { return what }
        switch what {
        case "content" where before.kind.size != after.kind.size:
            return "content: \(ByteCount(before.kind.size)) -> \(ByteCount(after.kind.size))"
        case "mode":
            return "mode: 0\(String(before.metadata.mode, radix: 8)) -> 0\(String(after.metadata.mode, radix: 8))"
        case "owner":
            let (old, new) = (before.metadata, after.metadata)
            return "owner: \(old.uid):\(old.gid) -> \(new.uid):\(new.gid)"
        case "time":
            let (old, new) = (before.metadata.mtime.seconds, after.metadata.mtime.seconds)
            return "time: \(RFC3339.text(old)) -> \(RFC3339.text(new))"
        default: return what
        }
    }
}

extension ImageDiff {
    /// Returns the text for people: settings, then files, at most `limit` of them, then known causes.
    public func text(limit: Int = .max) -> String {
        var lines = settings.map(\.text)
        lines += history.map { "\($0.isAdded ? "+" : "-") history: \($0.command)" }
        if historyTimes > 0 { lines.append("~ history: \(counted(historyTimes, "line")) with another time or comment") }
        lines += files.prefix(limit).map(\.text)
        if files.count > limit { lines.append("and \(counted(files.count - limit, "file")) more") }
        lines += VolatileFiles.causes(of: files.filter { $0.after?.inode.kind.isFile == true }.map(\.path))
        let grown = files.reduce(Int64(0)) { $0 &+ $1.growth }
        lines.append("\(counted(files.count, "file")), \(counted(settings.count, "setting")), \(signed(grown))")
        return lines.joined(separator: "\n")
    }

    /// The document of `thaw diff --format json`.
    public var json: JSON {
        .object([
            "schemaVersion": .integer(1), "kind": .string("diff"),
            "config": .array(
                settings.map {
                    .object([
                        "key": .string($0.key), "before": .optional($0.before), "after": .optional($0.after),
                    ])
                }),
            "history": .array(
                history.map { ["change": .string($0.isAdded ? "added" : "removed"), "createdBy": .string($0.command)] }
            ), "historyTimes": .integer(Int64(historyTimes)),
            "files": .array(
                files.map {
                    .object([
                        "path": .string($0.path.description),
                        "change": .string($0.before == nil ? "added" : $0.after == nil ? "removed" : "modified"),
                        "what": .strings($0.what), "before": $0.before?.json ?? .null, "after": $0.after?.json ?? .null,
                    ])
                }),
        ])
    }
}

extension ImageDiff.PathVersion {
    fileprivate var json: JSON {
        let metadata = inode.metadata
        var json = JSON.object([
            "size": .integer(inode.kind.size), "mode": .string("0" + String(metadata.mode, radix: 8)),
            "uid": .integer(Int64(metadata.uid)), "gid": .integer(Int64(metadata.gid)),
            "mtime": .string(RFC3339.text(metadata.mtime.seconds)), "layer": .integer(Int64(layer)),
        ])
        if let content = inode.content { json["digest"] = .string("\(content)") }
        return json
    }
}

extension JSON {
    fileprivate static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}
