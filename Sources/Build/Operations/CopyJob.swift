internal import Frontend
internal import OCI

/// A COPY or ADD with its words expanded.
struct CopyJob: Sendable {
    let sources: [String]
    let inline: [(name: String, content: [UInt8])]
    let destination: String
    let owner: String?
    let mode: FileMode?
    private let modeText: String?
    private let workingDirectory: String
    private let excludes: [String]
    private let rules: IgnoreRules

    init(_ transfer: Instruction.Transfer, _ stage: StageBuilder) throws(Diagnostic) {
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
    }

    /// What the sources name in a tree.
    func selection(in tree: FileTree) throws(BuildError) -> CopySelection {
        try CopySelection(
            sources, in: tree, excludes: { rules.excludes($0) },
            matches: { PathPattern($0.utf8)?.matches($1) ?? false })
    }

    /// The part of the key that is known without reading a file.
    func key(_ keyword: String, on stage: StageBuilder) -> Fingerprint {
        var key = Fingerprint(keyword, on: stage)
        key.add("the sources", sources)
        key.add("the destination", [workingDirectory, destination])
        key.add("--chown", owner ?? "")
        key.add("--chmod", modeText ?? "")
        key.add("--exclude", excludes)
        // With a fixed epoch times are cut to it, else they move it.
        key.add("SOURCE_DATE_EPOCH", stage.shared.request.epoch == nil ? "unset" : "set")
        for (name, content) in inline {
            key.hash(name, content)
            key.tell { [StepInput(name: "heredoc \(name)", value: Digest(of: content).description)] }
        }
        return key
    }

    /// `COPY --chown=u --chmod=755 a b /dest # buildkit`
    func history(_ keyword: String) -> String {
        let flags = [owner.map { "--chown=\($0)" }, modeText.map { "--chmod=\($0)" }].compactMap(\.self)
        let words = [keyword] + flags + sources + inline.map { "<<\($0.name)" } + [destination, "# buildkit"]
        return words.joined(separator: " ")
    }
}

extension IgnoreRules {
    func excludes(_ path: ImagePath) -> Bool { excludes(path.bytes) }
    func mayInclude(below path: ImagePath) -> Bool { mayContainIncluded(path.bytes) }
}
