internal import Frontend
internal import OCI

/// Where one source of COPY or ADD is looked for, as its text says.
///
/// ```
/// dir/sub/*.txt           dir/sub literal, links followed; then a pattern a name, links not followed
/// --parents a*/./b/**/c   up to the pivot as above; below that what b/**/c matches, with the directories above it
/// ```
/// A literal part may hold a backslash: it escapes something only where there is a wildcard to escape.
struct SourcePath: Sendable {
    /// The source as it was written.
    let text: String
    /// The names before the first wildcard.
    let literal: ImagePath
    /// The names from the first wildcard on.
    let patterns: [PathPattern]
    /// What is left out of what is found there; nothing without `--parents`.
    let rules: IgnoreRules?
    /// Whether it is an error that there is no such path.
    let isRequired: Bool

    /// A source without `--parents`.
    init(_ text: String) throws(BuildError) {
        try self.init(text, at: text, below: nil)
    }

    /// A source with `--parents`: what is kept of its path starts after the first `/./`, or at the root.
    init(keepingParents text: String) throws(BuildError) {
        let pivot = text.firstRange(of: "/./")
        let kept = pivot.map { text[$0.upperBound...] } ?? text[...]
        try self.init(text, at: pivot.map { String(text[..<$0.lowerBound]) } ?? "/", below: String(kept))
    }

    /// A name without patterns, whatever characters are in it.
    init(exactly text: String) throws(BuildError) {
        self.text = text
        literal = try CopyPlan.absolute(text, in: "/")
        (patterns, rules, isRequired) = ([], nil, true)
    }

    private init(_ text: String, at start: String, below kept: String?) throws(BuildError) {
        self.text = text
        let names = try CopyPlan.absolute(start, in: "/").components
        let first = names.firstIndex { PathPattern.hasWildcards($0) } ?? names.endIndex
        literal = names[..<first].reduce(.root) { $0.appending($1) }
        patterns = try names[first...].map { (name) throws(BuildError) in
            guard let pattern = PathPattern(name) else { throw .badPath(text, Self.noPattern) }
            return pattern
        }
        guard let kept else {
            (rules, isRequired) = (nil, patterns.isEmpty)
            return
        }
        let pattern = String(try CopyPlan.absolute(kept, in: "/").description.dropFirst())
        isRequired = !PathPattern.hasWildcards(pattern.utf8)
        rules = try pattern.isEmpty ? nil : Self.rules(keeping: pattern, of: text)
    }

    /// Everything is left out but what the pattern matches, and what is below that.
    private static func rules(keeping pattern: String, of text: String) throws(BuildError) -> IgnoreRules {
        let place = Position(line: 1, column: 1)
        do {
            return try IgnoreRules(excluding: [Word("**", at: place), Word("!\(pattern)", at: place)])
        } catch {
            throw .badPath(text, noPattern)
        }
    }

    private static let noPattern = "is no pattern: it ends in a backslash, or within brackets"
}

extension SourcePath {
    /// The paths that match, in byte order, each with the node that it leads to.
    ///
    /// - Throws: ``BuildError/sourceNotFound(_:)`` where a literal path, or a link that matches, leads nowhere.
    func find(in tree: FileTree) throws(BuildError) -> [(path: ImagePath, node: FileTree.NodeID)] {
        guard let start = tree.resolve(literal)?.node else {
            if patterns.isEmpty { throw .sourceNotFound(text) }
            return []
        }
        if patterns.isEmpty { return [(literal, start)] }
        let found = patterns.reduce([(path: tree.path(of: start), node: start)]) { level, pattern in
            level.flatMap { directory in
                tree[node: directory.node].children.filter { pattern.matches($0.key) }
                    .sorted { $0.key.lexicographicallyPrecedes($1.key) }
                    .map { (directory.path.appending($0.key), $0.value) }
            }
        }
        return try found.map { (path, _) throws(BuildError) in
            guard let end = tree.resolve(path)?.node else { throw .sourceNotFound("\(path)") }
            return (path, end)
        }
    }
}
