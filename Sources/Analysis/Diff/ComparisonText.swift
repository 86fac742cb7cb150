internal import Linux
internal import OCI

/// Formats a growth with its sign: `+1.2MB`, `-3B`, `0B`.
func signed(_ bytes: Int64) -> String { "\(bytes > 0 ? "+" : "")\(ByteCount(bytes))" }

extension ImageComparison {
    /// The sentence for a pull request.
    ///
    /// An example is `+14.2MB to pull (+30.1MB unpacked): +12.1MB from RUN pip install (layer 5).`
    public var headline: String {
        if isEmpty {
            let ignored = isSemantic ? ", apart from times and orders" : ""
            return before.digest == after.digest
                ? "The images are the same." : "The images have no differences\(ignored)."
        }
        let causes = changedLayers.filter { $0.growth != 0 }
        let sizes = "\(signed(growth)) to pull (\(signed(after.size - before.size)) unpacked)"
        guard !causes.isEmpty else { return "\(sizes): \(counts)." }
        let parts = causes.prefix(3).map { change in
            let verb = change.state == .removed ? "without" : "from"
            let layer = (change.after ?? change.before)?.index ?? 0
            let what =
                change.command.isEmpty ? "layer \(layer)" : "\(truncated(change.command, to: 60)) (layer \(layer))"
            return "\(signed(change.growth)) \(verb) \(what)"
        }
        let more = causes.count > 3 ? ", and \(counted(causes.count - 3, "more layer"))" : ""
        return "\(sizes): \(parts.joined(separator: ", "))\(more)."
    }

    private var counts: String {
        let parts = [
            (difference.files.count, "file"), (difference.settings.count, "setting"), (packages.count, "package"),
        ].filter { $0.0 > 0 }.map { counted($0.0, $0.1) }
        return parts.isEmpty ? "the history differs" : parts.joined(separator: ", ") + " differ"
    }

    /// Returns the text for people: the sentence, then each kind of difference, at most `limit` rows of each.
    public func text(limit: Int = 20) -> String {
        var text = headline.visibleLine + "\n"
        for part in parts(limit: limit) {
            text += "\n\(part.title)\n" + part.lines.map { "  \($0)\n" }.joined()
        }
        return text
    }

    /// Returns the parts with a line for each difference.
    func parts(limit: Int) -> [(title: String, lines: [String])] {
        let all: [(String, [String])] = [
            ("Packages", packages.map(\.text)), ("Layers", changedLayers.map(\.text)),
            ("Directories", directories.map(\.text)), ("Files", fileLines),
            ("Configuration", difference.settings.map(\.text)), ("History", historyLines),
        ]
        return all.filter { !$0.1.isEmpty }.map { title, lines in
            let more = lines.count > limit ? ["and \(grouped(lines.count - limit)) more"] : []
            return ("\(title) (\(grouped(lines.count)))", lines.prefix(limit) + more)
        }
    }

    /// The files, the largest changes first; those that differ in time only are one line.
    private var fileLines: [String] {
        let timeOnly = difference.files.count { $0.what == ["time"] }
        let files = difference.files.filter { $0.what != ["time"] }
        let lines = files.sorted { ($1.growth.magnitude, $0.path) < ($0.growth.magnitude, $1.path) }.map(\.text)
        let causes = VolatileFiles.causes(of: files.filter { $0.after?.inode.kind.isFile == true }.map(\.path))
        let rest = timeOnly == 0 ? [] : ["~ \(counted(timeOnly, "path")) with another time only"]
        return causes + rest + lines
    }

    private var historyLines: [String] {
        let times = difference.historyTimes
        return (times == 0 ? [] : ["~ \(counted(times, "line")) with another time or comment"])
            + difference.history.map { "\($0.isAdded ? "+" : "-") \(truncated($0.command, to: 100))" }
    }
}

extension ImageDiff.ChangedPath {
    /// The growth in bytes.
    var growth: Int64 { (after?.inode.kind.size ?? 0) &- (before?.inode.kind.size ?? 0) }
}

extension ImageDiff.Setting {
    /// The line for people.
    var text: String {
        "~ \(key.visibleLine): \((before ?? "none").visibleLine) -> \((after ?? "none").visibleLine)"
    }
}

extension PackageChange {
    fileprivate var text: String {
        let mark = before.isEmpty ? "+" : after.isEmpty ? "-" : "~"
        let versions = [before, after].filter { !$0.isEmpty }.map { $0.joined(separator: ", ") }
        return "\(mark) \(name) \(versions.joined(separator: " -> ")) (\(manager.rawValue))  \(signed(growth))"
            .visibleLine
    }
}

extension LayerChange {
    fileprivate var text: String {
        let place = [before?.index, after?.index].compactMap { $0.map(String.init) }
        let index = state == .changed || state == .moved ? place.joined(separator: " -> ") : place.first ?? ""
        return "\(signed(growth))  \(state.rawValue) layer \(index)  \(truncated(command, to: 70))"
    }
}

extension DirectoryChange {
    fileprivate var text: String { "\(signed(growth))  \(path.description.visibleLine)  (\(counted(files, "path")))" }
}
