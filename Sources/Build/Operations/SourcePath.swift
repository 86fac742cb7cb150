internal import Frontend
internal import OCI

/// The parsed text of one source of COPY or ADD.
///
/// ```
/// dir/sub/*.txt           dir/sub literal, links followed; then one pattern for each name, links not followed
/// --parents a*/./b/**/c   up to the pivot as above; below it all matches of b/**/c, with their parent directories
/// ```
/// A backslash in a literal part stays: it escapes only in a name with wildcards.
struct SourcePath: Sendable {
    /// The source as it is written.
    let text: String
    /// The names before the first wildcard.
    let literal: ImagePath
    /// The names from the first wildcard on.
    let patterns: [PathPattern]
    /// The rules that leave out paths below the matches; nil without `--parents`.
    let rules: IgnoreRules?
    /// True if a missing path is an error.
    let isRequired: Bool

    /// A source without `--parents`.
    init(_ text: String) throws(BuildError) {
        try self.init(text, at: text, below: nil)
    }

    /// A source with `--parents`: the kept part of its path starts after the first `/./`, or at the root.
    init(keepingParents text: String) throws(BuildError) {
        let pivot = text.firstRange(of: "/./")
        let kept = pivot.map { text[$0.upperBound...] } ?? text[...]
        try self.init(text, at: pivot.map { String(text[..<$0.lowerBound]) } ?? "/", below: String(kept))
    }

    /// A name without patterns; every character is literal.
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

    /// Returns rules that leave out everything except the pattern's matches and their content.
    private static func rules(keeping pattern: String, of text: String) throws(BuildError) -> IgnoreRules {
        let place = Position(line: 1, column: 1)
        do {
            return try IgnoreRules(excluding: [Word("**", at: place), Word("!\(pattern)", at: place)])
        } catch {
            throw .badPath(text, noPattern)
        }
    }

    private static let noPattern = "is not a pattern: it ends in a backslash, or within brackets"
}

extension SourcePath {
    /// Returns the matching paths, in byte order, each with its node after following links.
    ///
    /// - Throws: ``BuildError/sourceNotFound(_:)`` for a missing literal path, or a matching link that is dangling.
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
