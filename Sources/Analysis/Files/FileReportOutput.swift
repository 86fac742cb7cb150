public import Linux
internal import OCI

extension FileReport {
    /// The document of `--format json`.
    public var json: JSON {
        var json = JSON.object([
            "schemaVersion": .integer(1), "kind": .string("files"), "image": image.json,
            "layers": .array(
                layers.enumerated().map { index, layer in
                    .object([
                        "index": .integer(Int64(index)), "digest": .string(layer.digest.description),
                        "createdBy": .string(layer.command), "source": layer.source.map { .string($0) } ?? .null,
                    ])
                }),
        ])
        switch rows {
        case .files(let rows): json["files"] = .array(rows.map { .members($0.members) })
        case .directories(let rows): json["directories"] = .array(rows.map(\.json))
        }
        return json
    }

    /// The documents of `--format ndjson`, one for each row; a file's has the instruction of its layer.
    public var lines: [JSON] {
        switch rows {
        case .directories(let rows): return rows.map(\.json)
        case .files(let rows):
            return rows.map { row in
                var members = row.members
                members["createdBy"] = .string(command(row.layer))
                if layers.indices.contains(row.layer), let source = layers[row.layer].source {
                    members["source"] = .string(source)
                }
                if let layer = row.removal?.layer { members["hiddenByCommand"] = .string(command(layer)) }
                return .members(members)
            }
        }
    }

    /// The text for people: the layers with their instructions, then the rows, then the sums.
    public var text: String {
        var text = "Layers\n"
        for (index, layer) in layers.enumerated() {
            let source = layer.source.map { "\($0)  " } ?? ""
            text += "  \(index)  \(source)\(truncated(layer.command.isEmpty ? "-" : layer.command, to: 90))\n"
        }
        text += "\n"
        switch rows {
        case .files(let rows):
            text += Self.line("BYTES", "LAYER", third: "STATE") + "PATH\n"
            for row in rows { text += row.text + "\n" }
            text += Self.sums(rows)
        case .directories(let rows):
            text += Self.line("BYTES", "FILES", third: "HIDDEN") + "PATH\n"
            for row in rows { text += row.text + "\n" }
        }
        return text
    }

    private func command(_ layer: Int) -> String { layers.indices.contains(layer) ? layers[layer].command : "" }

    private static func sums(_ rows: [FileList.FileRow]) -> String {
        let hidden = rows.filter { $0.removal != nil }
        let sum = { (rows: [FileList.FileRow]) in ByteCount(rows.reduce(0) { $0 &+ $1.bytes }) }
        let rest = hidden.isEmpty ? "" : "; \(counted(hidden.count, "file")) of them hidden, \(sum(hidden))"
        return "\n\(counted(rows.count, "file")), \(sum(rows))\(rest)\n"
    }

    fileprivate static func line(_ first: String, _ second: String, third: String) -> String {
        let right = { (text: String, width: Int) in
            String(repeating: " ", count: max(0, width - text.utf8.count)) + text
        }
        return "\(right(first, 8))  \(right(second, 7))  "
            + third + String(repeating: " ", count: max(0, 14 - third.utf8.count)) + "  "
    }
}

extension FileList.FileRow {
    /// The members of the row's document.
    var members: [String: JSON] {
        var members: [String: JSON] = [
            "path": .string(path.description), "type": .string(type), "bytes": .integer(bytes),
            "layer": .integer(Int64(layer)), "state": .string(state),
        ]
        if let removal { members["hiddenBy"] = .integer(Int64(removal.layer)) }
        if let firstName { members["firstName"] = .string(firstName.description) }
        return members
    }

    fileprivate var text: String {
        let fate = removal.map { "\(state) by \($0.layer)" } ?? "-"
        let other = firstName.map { " = \($0.description.visibleLine)" } ?? ""
        return FileReport.line("\(ByteCount(bytes))", String(layer), third: fate) + path.description.visibleLine + other
    }
}

extension DirectorySize {
    /// The directory's document.
    var json: JSON {
        .object([
            "path": .string(path.description), "files": .integer(Int64(files)), "bytes": .integer(bytes),
            "hiddenBytes": .integer(hiddenBytes), "layers": .array(layers.map { .integer(Int64($0)) }),
        ])
    }

    fileprivate var text: String {
        FileReport.line(
            "\(ByteCount(bytes))", grouped(files), third: hiddenBytes == 0 ? "-" : "\(ByteCount(hiddenBytes))")
            + path.description.visibleLine
    }
}
