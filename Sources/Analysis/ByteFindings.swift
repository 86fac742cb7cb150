internal import Linux
internal import OCI

/// Findings about bytes; each names the commands involved.
struct ByteFindings {
    private let layers: [LayerFacts]
    private let base: BaseImage

    init(_ layers: [LayerFacts], _ base: BaseImage) { (self.layers, self.base) = (layers, base) }

    private static let baseFix =
        "The bytes belong to the base image: choose a smaller base, or rewrite the image with thaw slim."

    /// Returns the severity of that many bytes in a layer; a user can't change the base's layers.
    private func severity(of bytes: Int64, in layer: Int) -> Finding.Severity {
        base.owner(of: layer) == .base ? .info : Finding.severity(of: bytes)
    }

    func findings(
        waste: Waste, duplicates: [Duplicate], leftovers: LeftoverFiles, python: CompiledPython.Problems,
        in tree: FileTree
    ) -> [Finding] {
        self.waste(waste) + duplicate(duplicates) + leftovers.groups.map(leftover) + compiled(python, tree)
            + dangling(tree.danglingWhiteouts)
    }

    /// `layer 3 (RUN apt-get update …)`.
    private func name(_ layer: Int) -> String {
        let command = layers.indices.contains(layer) ? layers[layer].command : ""
        let what = command.isEmpty ? "" : " (\(truncated(command, to: 60)))"
        return base.owner(of: layer) == .base ? "layer \(layer) of the base\(what)" : "layer \(layer)\(what)"
    }

}

// MARK: - Waste

extension ByteFindings {
    private struct WasteCause: Hashable {
        let kind: Waste.Kind
        let layer: Int
        let takenBy: Int
    }

    private struct WasteTotal {
        var count = 0
        var bytes: Int64 = 0
        var compressedBytes: Int64 = 0
        var examples: [ImagePath] = []
    }

    private func waste(_ waste: Waste) -> [Finding] {
        var sums: [WasteCause: WasteTotal] = [:]
        // Items come largest first, so the examples are the large ones.
        for item in waste.items {
            for copy in item.copies {
                let cause = WasteCause(kind: copy.kind, layer: copy.layer, takenBy: copy.hiddenBy)
                sums[cause, default: WasteTotal()].count += 1
                sums[cause, default: WasteTotal()].bytes &+= copy.bytes
                sums[cause, default: WasteTotal()].compressedBytes &+= copy.compressedBytes ?? 0
                if sums[cause, default: WasteTotal()].examples.count < 10 { sums[cause]?.examples.append(item.path) }
            }
        }
        return sums.map { cause, sum in
            Finding(
                id: cause.kind.rawValue, severity: severity(of: sum.bytes, in: cause.layer),
                message: message(cause, sum), bytes: sum.bytes, compressedBytes: sum.compressedBytes,
                layer: cause.layer, fix: fix(cause), paths: sum.examples)
        }
    }

    private func message(_ cause: WasteCause, _ sum: WasteTotal) -> String {
        let what = "\(counted(sum.count, "file")) of \(name(cause.layer))"
        if cause.layer == cause.takenBy {
            return
                "\(what) \(sum.count == 1 ? "occurs" : "occur") twice in it; \(ByteCount(sum.bytes)) are wasted."
        }
        let fate =
            switch cause.kind {
            case .deletedLater: "deleted by"
            case .rewritten: "rewritten by"
            case .metadataOnly: "copied unchanged, but for owner, mode or time, by"
            case .moved: "moved by"
            }
        let verb = sum.count == 1 ? "is" : "are"
        return "\(what) \(verb) \(fate) \(name(cause.takenBy)); \(ByteCount(sum.bytes)) are wasted."
    }

    private func fix(_ cause: WasteCause) -> String {
        if base.owner(of: cause.layer) == .base { return Self.baseFix }
        return switch cause.kind {
        case .deletedLater:
            "Delete it in the RUN that makes it, or make it in another stage and COPY --from it only what is needed."
        case .rewritten: "Write the file once: join the two steps, or write the final form first."
        case .metadataOnly:
            "Set owner and mode in the step that makes the file: COPY --chown and --chmod, or chmod in the same RUN."
        case .moved: "Put it in its final place at once."
        }
    }
}

// MARK: - Other bytes

extension ByteFindings {
    private func duplicate(_ duplicates: [Duplicate]) -> [Finding] {
        guard let largest = duplicates.first else { return [] }
        let bytes = duplicates.reduce(0) { $0 &+ $1.bytes }
        let compressed = duplicates.reduce(0) { $0 &+ ($1.compressedBytes ?? 0) }
        return [
            Finding(
                id: "duplicate-content", severity: Finding.severity(of: bytes),
                message: "\(counted(duplicates.count, "content")) under several names; the copies take "
                    + "\(ByteCount(bytes)), the largest \(ByteCount(largest.bytes)).",
                bytes: bytes, compressedBytes: compressed, layer: largest.layers.count == 1 ? largest.layers[0] : nil,
                fix: "Keep one copy and link to it, or COPY it only once.", paths: largest.paths)
        ]
    }

    private func leftover(_ group: LeftoverFiles.LeftoverGroup) -> Finding {
        Finding(
            id: group.kind.id, severity: severity(of: group.bytes, in: group.layer),
            message:
                "Left behind in \(name(group.layer)): \(group.kind.what), \(counted(group.count, "file")), \(ByteCount(group.bytes)).",
            bytes: group.bytes, compressedBytes: Int64(group.compressedBytes.rounded()), layer: group.layer,
            fix: base.owner(of: group.layer) == .base ? Self.baseFix : group.kind.fix,
            paths: [group.largest])
    }

    private func dangling(_ whiteouts: [(layer: Int, path: ImagePath)]) -> [Finding] {
        Dictionary(grouping: whiteouts, by: \.layer).map { layer, whiteouts in
            Finding(
                id: "dangling-whiteout", severity: .info,
                message:
                    "Whiteouts of \(name(layer)) name \(counted(whiteouts.count, "path")) that no lower layer has.",
                layer: layer,
                fix: "Harmless; the image was probably assembled over another base than it was built on.",
                paths: whiteouts.map(\.path))
        }
    }

    private func compiled(_ python: CompiledPython.Problems, _ tree: FileTree) -> [Finding] {
        var findings: [Finding] = []
        let measured = "imports of uncompiled modules take 3 to 7 times as long, at every start of a fresh container"
        if !python.stale.isEmpty {
            findings.append(
                Finding(
                    id: "stale-bytecode", severity: .warning,
                    message:
                        "\(counted(python.stale.count, "compiled Python module")) made from other sources, by time and size, "
                        + "are ignored by Python: \(measured).",
                    bytes: python.uselessBytes, layer: layer(of: python.stale, in: tree),
                    fix:
                        "Compile after the last change of times: python -m compileall --invalidation-mode unchecked-hash.",
                    paths: python.stale))
        }
        if !python.missing.isEmpty {
            findings.append(
                Finding(
                    id: "missing-bytecode", severity: python.missing.count >= 20 ? .warning : .info,
                    message: "\(counted(python.missing.count, "Python module")) without a compiled form: \(measured).",
                    layer: layer(of: python.missing, in: tree),
                    fix:
                        "RUN python -m compileall --invalidation-mode unchecked-hash on them; unset PYTHONDONTWRITEBYTECODE "
                        + "while building.",
                    paths: python.missing))
        }
        if !python.orphaned.isEmpty {
            findings.append(
                Finding(
                    id: "orphaned-bytecode", severity: .info,
                    message:
                        "\(counted(python.orphaned.count, "compiled Python module")) without a source are ignored by Python.",
                    layer: layer(of: python.orphaned, in: tree), fix: "Delete them together with their sources.",
                    paths: python.orphaned))
        }
        return findings
    }

    /// Returns the layer that all `paths` come from; nil for several layers.
    private func layer(of paths: [ImagePath], in tree: FileTree) -> Int? {
        let layers = Set(paths.compactMap { tree.inode(at: $0)?.layer })
        return layers.count == 1 ? layers.first : nil
    }
}
