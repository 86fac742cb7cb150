internal import ColdStart
internal import Linux
internal import OCI

/// The processor time of a start by file, with the layer of each file.
struct WorkProfile {
    /// One part of the work.
    struct Row {
        /// The thread and its process, such as `python3 (7)`.
        let thread: String
        /// The file that the thread opened before; nil for none.
        let path: String?
        /// The layer that has the file; nil for a file that the program made, and without a file.
        let layer: Int?
        let milliseconds: Double
    }

    /// The parts, the largest first.
    let rows: [Row]
    /// The processor time of the image until the first byte.
    let milliseconds: Double
    /// True if some opened files are missing.
    let isIncomplete: Bool

    /// The rows that people see.
    private static let shown = 10

    /// Makes the profile of a trace; nil if the trace has no threads.
    init?(_ trace: StartTrace, in tree: FileTree) {
        guard let attribution = WorkAttribution(trace) else { return nil }
        (milliseconds, isIncomplete) = (attribution.milliseconds, trace.isIncomplete)
        rows = attribution.parts.map { part in
            Row(
                thread: part.thread.map { name in "\(name) (\(part.process ?? 0))" } ?? "ended threads",
                path: part.path.map { OutputLines.line($0[...]).visibleLine },
                layer: part.path.flatMap { tree.layer(of: $0) },
                milliseconds: part.milliseconds)
        }
    }

    /// The file of `--profile`: folded stacks, one line for each part with its microseconds, as flame graphs read them.
    var foldedStacks: String {
        rows.map { row in
            let frames = [row.thread, row.layer.map { "layer \($0)" }, row.path ?? "before the first file"]
            let stack = frames.compactMap { $0?.replacing(";", with: ",") }.joined(separator: ";")
            return "\(stack) \(Int64((row.milliseconds * 1000).rounded()))\n"
        }.joined()
    }

    /// The largest parts for people.
    var text: String {
        var lines = ["processor time until the first byte: \(Duration.text(milliseconds: milliseconds)), of it"]
        for row in rows.prefix(WorkProfile.shown) where row.milliseconds > 0 {
            let percent = Int((row.milliseconds / max(milliseconds, 1e-9) * 100).rounded())
            let place = row.layer.map { " (layer \($0))" } ?? ""
            let cause = row.path.map { "after opening \($0)\(place)" } ?? "before the first file"
            lines.append("  \(percent) %  \(Duration.text(milliseconds: row.milliseconds))  \(row.thread) \(cause)")
        }
        if isIncomplete { lines.append("note: some opened files are missing") }
        return lines.joined(separator: "\n")
    }
}

extension FileTree {
    /// Returns the layer of a file by its absolute path in a started image.
    fileprivate func layer(of path: [UInt8]) -> Int? {
        (try? ImagePath(entry: path.drop { $0 == UInt8(ascii: "/") })).flatMap { inode(at: $0)?.layer }
    }
}
