public import ImageFiles
internal import Linux
public import OCI

/// An invariant that a slim image violates.
public enum InvariantViolation: Hashable, Sendable, CustomStringConvertible {
    case invented(ImagePath)
    case changedKind(ImagePath)
    case changedMetadata(ImagePath)
    case changedContent(ImagePath)
    case separated(ImagePath, from: ImagePath)
    case unresolvedLibrary(MissingLibrary)
    case lostInterpreter(ImagePath, String)
    case lostTarget(ImagePath, String)
    case lostSource(ImagePath)
    case lostUser(String)
    case lostDirectory(String)
    case lostProgram(String)
    case changedConfiguration

    public var description: String {
        switch self {
        case .invented(let path): "\(path) was not in the image before"
        case .changedKind(let path): "\(path) is another kind of file than before"
        case .changedMetadata(let path): "\(path) has another mode, owner, time or attribute than before"
        case .changedContent(let path): "\(path) has other content than before"
        case .separated(let path, let other): "\(path) and \(other) were one file before"
        case .unresolvedLibrary(let library): "\(library.path) needs \(library.name), which is missing"
        case .lostInterpreter(let path, let name): "\(path) needs the interpreter \(name), which is missing"
        case .lostTarget(let path, let target): "\(path) links to \(target), which is missing"
        case .lostSource(let path): "\(path) is a compiled file whose source is missing"
        case .lostUser(let name): "the user '\(name)' is missing"
        case .lostDirectory(let path): "the directory '\(path)' is missing"
        case .lostProgram(let name): "the program '\(name)' is missing"
        case .changedConfiguration: "the configuration differs in more than layers and history"
        }
    }
}

/// The invariants between an image and its slim form, checked on the written image, not on the plan.
public enum Invariants {
    /// Returns the invariants that `after` violates but `before` does not; empty if none.
    ///
    /// A fault of `before` may remain: a dangling link may still dangle. `rewritten` are the paths whose contents may
    /// differ.
    public static func check(_ after: ImageFiles, against before: ImageFiles, rewritten: Set<ImagePath> = [])
        -> [InvariantViolation]
    {
        sameFiles(after, as: before, rewritten: rewritten) + loads(after, before) + leads(after, before)
            + runs(after, before)
    }

    /// Checks that metadata, contents and shared inodes are unchanged.
    private static func sameFiles(_ after: ImageFiles, as before: ImageFiles, rewritten: Set<ImagePath>)
        -> [InvariantViolation]
    {
        var violations: [InvariantViolation] = []
        var names: [FileTree.InodeID: (path: ImagePath, inode: FileTree.InodeID)] = [:]
        after.tree.walk { path, node in
            guard let old = before.tree.node(at: path) else { return violations.append(.invented(path)) }
            let (new, was) = (after.tree.inode(of: node), before.tree.inode(of: old))
            let isRewritten = rewritten.contains(path)
            if new.kind != was.kind, !(isRewritten && new.kind.isFile && was.kind.isFile) {
                violations.append(.changedKind(path))
            }
            if !isSame(new, was) { violations.append(.changedMetadata(path)) }
            let (inode, oldInode) = (after.tree[node: node].inode, before.tree[node: old].inode)
            if !isRewritten, after.digest(of: inode) != before.digest(of: oldInode) {
                violations.append(.changedContent(path))
            }
            if let first = names[oldInode], first.inode != inode, !isRewritten {
                violations.append(.separated(path, from: first.path))
            }
            if !isRewritten, names[oldInode] == nil { names[oldInode] = (path, inode) }
        }
        return violations
    }

    /// Compares whole seconds, because layers have no fractions.
    private static func isSame(_ new: FileTree.Inode, _ old: FileTree.Inode) -> Bool {
        var metadata = old.metadata
        metadata.mtime = FileTime(seconds: metadata.mtime.seconds)
        var other = new.metadata
        other.mtime = FileTime(seconds: other.mtime.seconds)
        return metadata == other
    }

    /// Checks that libraries, loaders and scripts' interpreters are found if they were before.
    private static func loads(_ after: ImageFiles, _ before: ImageFiles) -> [InvariantViolation] {
        let unresolved = Set(libraries(of: after)).subtracting(libraries(of: before))
        var violations = unresolved.sorted { $0.description < $1.description }.map(InvariantViolation.unresolvedLibrary)
        after.tree.walk { path, node in
            let inode = after.tree[node: node].inode
            let programs =
                (after.elf[inode]?.interpreter.map { [$0] } ?? [])
                + (after.scripts[inode]?.programs ?? [])
            for program in programs where after.program(program) == nil && before.program(program) != nil {
                violations.append(.lostInterpreter(path, String(decoding: program, as: UTF8.self)))
            }
        }
        return violations
    }

    /// Returns every library that the image's loader would not find, with the file that needs it.
    private static func libraries(of contents: ImageFiles) -> [MissingLibrary] {
        var planner = Planner(contents, SlimOptions())
        let nodes = contents.tree.nodes(below: FileTree.rootNode)
        planner.keepLibraries(of: nodes.filter { contents.elf[contents.tree[node: $0].inode] != nil })
        return planner.missing
    }

    /// Checks that links have targets if they did before, and compiled files their sources.
    private static func leads(_ after: ImageFiles, _ before: ImageFiles) -> [InvariantViolation] {
        var violations: [InvariantViolation] = []
        after.tree.walk { path, node in
            if case .symlink(let target) = after.tree.inode(of: node).kind, after.tree.resolve(path) == nil,
                before.tree.resolve(path) != nil
            {
                violations.append(.lostTarget(path, String(decoding: target, as: UTF8.self)))
            }
            if let source = PythonBytecode.source(of: path), before.tree.node(at: source) != nil,
                after.tree.node(at: source) == nil
            {
                violations.append(.lostSource(path))
            }
        }
        return violations
    }

    /// Checks that the configuration's program, user and directories exist if they did before.
    private static func runs(_ after: ImageFiles, _ before: ImageFiles) -> [InvariantViolation] {
        let config = after.image.config
        var violations: [InvariantViolation] = []
        if let name = config.arguments.first, after.program(Array(name.utf8)) == nil,
            before.program(Array(name.utf8)) != nil
        {
            violations.append(.lostProgram(name))
        }
        if after.row(ofUser: config.user) == nil, before.row(ofUser: config.user) != nil {
            violations.append(.lostUser(config.user))
        }
        for directory in [config.workingDirectory] + config.volumes where !directory.isEmpty {
            let (now, was) = (
                after.tree.follow(directory.utf8, from: FileTree.rootNode),
                before.tree.follow(directory.utf8, from: FileTree.rootNode)
            )
            if now == nil, was != nil { violations.append(.lostDirectory(directory)) }
        }
        if essence(config) != essence(before.image.config) { violations.append(.changedConfiguration) }
        return violations
    }

    private static func essence(_ config: ImageConfig) -> JSON {
        var json = config.json
        json["rootfs"] = nil
        json["history"] = nil
        return json
    }
}
