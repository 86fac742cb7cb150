internal import Frontend
internal import OCI

/// A COPY or ADD with its words expanded.
struct TransferJob: Sendable {
    /// The sources as they are written.
    let sources: [String]
    let inline: [(name: String, content: [UInt8])]
    let destination: String
    let owner: String?
    let mode: FileMode?
    /// True if the layer doesn't depend on the layers below.
    let isIndependent: Bool
    /// The sources that are paths; nil for a source from elsewhere.
    private let paths: [SourcePath?]
    private let keepsParents: Bool
    private let modeText: String?
    private let workingDirectory: String
    private let excludes: [String]
    /// The rules of `--exclude`.
    let rules: IgnoreRules

    /// Expands the words of an instruction.
    ///
    /// - Parameter isElsewhere: True if a source is an address outside of the tree.
    /// - Throws: A ``Diagnostic`` for a word that can't be expanded, a ``BuildError`` for a malformed one.
    init(
        _ transfer: Instruction.Transfer, _ stage: StageBuilder, isElsewhere: (String) throws -> Bool = { _ in false }
    ) throws {
        let scope = stage.scope
        sources = try transfer.sources.map { (word) throws(Diagnostic) in try scope.expand(word) }
        inline = try transfer.heredocs.map { (heredoc) throws(Diagnostic) in
            (heredoc.name, Array(try scope.contents(of: heredoc).utf8))
        }
        destination = try scope.expand(transfer.destination)
        owner = try transfer.chown.map { (word) throws(Diagnostic) in try scope.expand(word) }
        mode = try transfer.chmod.map { (word) throws(Diagnostic) in try scope.mode(word) }
        modeText = try transfer.chmod.map { (word) throws(Diagnostic) in try scope.expand(word) }
        excludes = transfer.exclude.map(\.text)
        rules = try IgnoreRules(excluding: transfer.exclude)
        workingDirectory = stage.workingDirectory
        keepsParents = transfer.parents
        paths = try sources.map { source in
            if try isElsewhere(source) { return nil }
            return try transfer.parents ? SourcePath(keepingParents: source) : SourcePath(source)
        }
        // As in BuildKit, where a mode depends on existing files.
        isIndependent = transfer.link && mode == nil
    }

    /// Selects the files of the sources, or of some of them, in a tree.
    func selection(in tree: FileTree, of range: Range<Int>? = nil) throws(BuildError) -> CopySelection {
        try CopySelection(paths[range ?? paths.indices].compactMap(\.self), excluding: rules, in: tree)
    }

    /// Returns the part of the key that needs no file.
    func key(_ keyword: String, on stage: StageBuilder) -> StepFingerprint {
        add(
            to: isIndependent ? Self.independentKey("\(keyword) --link", stage) : StepFingerprint(keyword, on: stage),
            stage
        )
    }

    /// Returns the part of the key that needs no file, without the layers below, for a key that has the plan.
    func plannedKey(_ keyword: String, on stage: StageBuilder) -> StepFingerprint {
        add(to: Self.independentKey("\(keyword) by its plan", stage), stage)
    }

    private func add(to start: StepFingerprint, _ stage: StageBuilder) -> StepFingerprint {
        var key = start
        key.add("the sources", sources)
        key.add("--parents", keepsParents ? "yes" : "no")
        key.add("the destination", [workingDirectory, destination])
        key.add("--chown", owner ?? "")
        key.add("--chmod", modeText ?? "")
        key.add("--exclude", excludes)
        // Before version 2, the patterns didn't apply to files that a source names.
        if !excludes.isEmpty { key.hash("rules of --exclude", "2") }
        // A fixed epoch limits times, else times raise the epoch.
        key.add("SOURCE_DATE_EPOCH", stage.shared.epoch == nil ? "unset" : "set")
        for (name, content) in inline {
            key.hash(name, content)
            key.explain { [StepInput(name: "heredoc \(name)", value: Digest(of: content).description)] }
        }
        return key
    }

    /// Returns a key that doesn't depend on the layers below.
    private static func independentKey(_ kind: String, _ stage: StageBuilder) -> StepFingerprint {
        StepFingerprint(kind, on: [Layer](), epoch: stage.shared.epoch ?? 0)
    }

    /// Returns `COPY --parents --chown=u --chmod=755 a b /dest # buildkit`.
    func history(_ keyword: String) -> String {
        let flags = [
            keepsParents ? "--parents" : nil, owner.map { "--chown=\($0)" }, modeText.map { "--chmod=\($0)" },
        ].compactMap(\.self)
        let words = [keyword] + flags + sources + inline.map { "<<\($0.name)" } + [destination, "# buildkit"]
        return words.joined(separator: " ")
    }
}

extension IgnoreRules {
    func excludes(_ path: ImagePath) -> Bool { excludes(path.bytes) }
    func mayInclude(below path: ImagePath) -> Bool { mayContainIncluded(path.bytes) }
}
