internal import ImageFiles
internal import Linux
internal import OCI

/// The files that a kind of program needs without naming them, as data.
///
/// A rule applies as soon as a kept file shows such a program: by its dynamic symbols, so that a renamed one is found
/// too, by the beginning of a library's name, or by the name of a used program.
struct ProfileRule: Sendable {
    let profile: Profile
    /// Functions of which a kept ELF file has at least one.
    var symbols: Set<ELF.Symbol> = []
    /// Beginnings of the names of kept libraries.
    var libraries: [String] = []
    /// Names of used programs.
    var programs: Set<String> = []
    /// Paths to keep with everything below; `*` is any text within a component.
    var trees: [String] = []
    /// Names, and endings after `*`, of files and directories below the trees that are left out.
    var without: [String] = []
    /// Programs that it starts.
    var starts: [String] = []
    /// Patterns of paths that are left out of kept packages too, unless the image has a program of `developers`.
    var leftOut: [String] = []
    /// Programs that need what is left out.
    var developers: [String] = []

    /// All rules, each in the file of its profile.
    static let all: [ProfileRule] = [
        .compiler, .gnutls, .java, .musl, .nginx, .node, .perl, .php, .postgresql, .ruby, .cron, .runit, .s6,
        .supervisord, .systemd,
    ]
}

extension ProfileRule {
    /// Returns the patterns of the paths that no program of an image needs.
    static func leftOut(of contents: ImageFiles) -> [ImagePathPattern] {
        all.filter { rule in !rule.developers.contains { contents.program(Array($0.utf8)) != nil } }
            .flatMap(\.leftOut).compactMap { try? ImagePathPattern($0) }
    }
}

extension Planner {
    /// Applies the rules for which there is a kept program, each once.
    mutating func applyRules(_ found: KeptFacts) {
        for rule in ProfileRule.all where !appliedRules.contains(rule.name) {
            guard let cause = found.program(of: rule) else { continue }
            appliedRules.insert(rule.name)
            profileCause = tree.path(of: cause)
            for pattern in rule.trees { keep(pattern, rule) }
            for name in rule.starts {
                if let found = contents.program(Array(name.utf8)) { keep(found, .command(in: tree.path(of: cause))) }
            }
            profileCause = nil
        }
    }

    private mutating func keep(_ pattern: String, _ rule: ProfileRule) {
        let reason = KeepReason.profile(rule.profile, by: profileCause)
        for start in nodes(matching: pattern) {
            keep(FileTree.Found(node: start, links: []), reason)
            guard let real = tree.resolve(tree.path(of: start))?.node else { continue }
            keep(real, reason)
            keepBelow(real, by: rule, reason: reason)
        }
    }

    private mutating func keepBelow(_ directory: FileTree.NodeID, by rule: ProfileRule, reason: KeepReason) {
        for (name, node) in tree.children(of: directory) {
            if rule.without.contains(where: { $0.first == "*" ? name.text.hasSuffix($0.dropFirst()) : name.text == $0 })
            {
                continue
            }
            let path = tree.path(of: node)
            let kind = DropKind(path, package: nil)
            if PythonBytecode.isCompiled(path) || kind == .packageManager || kind == .documentation { continue }
            keep(node, reason)
            if tree.inode(of: node).kind.isDirectory { keepBelow(node, by: rule, reason: reason) }
        }
    }

    /// Returns the nodes of the paths that a pattern matches.
    private func nodes(matching pattern: String) -> [FileTree.NodeID] {
        var found = [FileTree.rootNode]
        for part in pattern.split(separator: "/") {
            let (prefix, suffix) =
                part.firstIndex(of: "*").map {
                    (part[..<$0], part[part.index(after: $0)...])
                } ?? (part, nil)
            found = found.flatMap { node -> [FileTree.NodeID] in
                let place = tree.resolve(tree.path(of: node))?.node ?? node
                guard let suffix else { return tree[node: place].children[Array(prefix.utf8)].map { [$0] } ?? [] }
                return tree.children(of: place).filter {
                    $0.name.count >= prefix.utf8.count + suffix.utf8.count && $0.name.starts(with: prefix.utf8)
                        && $0.name.text.hasSuffix(suffix)
                }.map(\.node)
            }
        }
        return found
    }
}

extension ProfileRule {
    /// A name that differs between the rules of one profile.
    fileprivate var name: String { "\(profile.rawValue) \(programs.sorted().joined(separator: " "))" }
}
