internal import ImageFiles
internal import Linux
internal import OCI

extension Report {
    /// The report for a terminal, 100 columns wide.
    public var text: String {
        headline + "\n" + layerTable + largestTables + (dive == nil ? wasteTable : diveTable) + duplicateTable
            + secretTable + packageTable
            + findingList
    }

    private static let shown = 15

    private var headline: String {
        let name = truncated(image.reference.visibleLine, to: 60)
        let side = wastedBySide.map { side in
            ": \(ByteCount(side.yours)) by your layers, \(ByteCount(side.base)) by the base's"
        }
        return """
            \(name)  \(image.digest.short)  \("\(image.platform)".visibleLine)

            Size        \(ByteCount(image.size)) in \(counted(image.layerCount, "layer")); \
            \(ByteCount(image.compressedSize)) to pull
            Efficiency  \(percent(efficiency))\(dive == nil ? "" : ", as dive counts")
            Wasted      \(ByteCount(wastedBytes))\(dive == nil ? side ?? "" : diveShare)
            Base        \(truncated(base.sentence.visibleLine, to: 88))

            """
    }

    private var layerTable: String {
        var table = TextTable(
            [
                .init("#", isNumber: true), .init("SIZE", isNumber: true), .init("PULL", isNumber: true),
                .init("WASTED", isNumber: true), .init("ADD", isNumber: true), .init("MOD", isNumber: true),
                .init("DEL", isNumber: true), .init("OWNER"), .init("COMMAND", limit: 37),
            ], indentation: "  ")
        for layer in layers {
            table.add([
                String(layer.index), "\(ByteCount(layer.size))", "\(ByteCount(layer.compressedSize))",
                layer.wastedBytes == 0 ? "-" : "\(ByteCount(layer.wastedBytes))", grouped(layer.files.added),
                grouped(layer.files.modified), grouped(layer.files.removed),
                base.owner(of: layer.index).mark, layer.command,
            ])
        }
        return "Layers\n" + table.text
    }

    private var largestTables: String {
        guard !largestFiles.isEmpty else { return "" }
        var files = TextTable(
            [.init("BYTES", isNumber: true), .init("LAYER", isNumber: true), .init("PATH")], indentation: "  ")
        for row in largestFiles.prefix(10) {
            files.add([
                "\(ByteCount(row.bytes))", String(row.layer), abbreviated(row.path.description.visibleLine, to: 80),
            ])
        }
        var directories = TextTable(
            [
                .init("BYTES", isNumber: true), .init("FILES", isNumber: true), .init("LAYERS", limit: 14),
                .init("PATH"),
            ], indentation: "  ")
        for row in largestDirectories.prefix(10) {
            directories.add([
                "\(ByteCount(row.bytes))", grouped(row.files), row.layers.map(String.init).joined(separator: ","),
                abbreviated(row.path.description.visibleLine, to: 62),
            ])
        }
        return "\nLargest files\n" + files.text
            + (largestDirectories.isEmpty ? "" : "\nLargest directories\n" + directories.text)
    }

    private var diveShare: String {
        ", as dive counts" + (dive?.userWastedPercent.map { " (\(percent($0)) of your bytes)" } ?? "")
    }

    /// The paths that dive reports.
    private var diveTable: String {
        guard let dive, !dive.items.isEmpty else { return "" }
        var table = TextTable(
            [.init("COUNT", isNumber: true), .init("BYTES", isNumber: true), .init("PATH", limit: 80)],
            indentation: "  ")
        for item in dive.items.prefix(Self.shown) {
            table.add([
                String(item.count), "\(ByteCount(item.bytes))",
                abbreviated(item.path.description.visibleLine, to: 80),
            ])
        }
        return section("Inefficient files", count: dive.items.count, noun: "path") + table.text
    }

    private var wasteTable: String {
        guard !waste.items.isEmpty else { return "" }
        var table = TextTable(
            [
                .init("BYTES", isNumber: true), .init("PULL", isNumber: true), .init("COPIES", isNumber: true),
                .init("CLASS"), .init("LAYERS", limit: 10), .init("OWNER"), .init("PATH", limit: 36),
            ], indentation: "  ")
        for item in waste.items.prefix(Self.shown) {
            table.add([
                "\(ByteCount(item.bytes))", item.compressedBytes.map { "\(ByteCount($0))" } ?? "-",
                String(item.copies.count), item.kind.rawValue,
                item.layers.map(String.init).joined(separator: ","),
                base.owner(of: item.copies.map(\.layer))?.mark ?? "both",
                abbreviated(item.path.description.visibleLine, to: 36),
            ])
        }
        return section("Waste", count: waste.items.count, noun: "path") + table.text
    }

    private var duplicateTable: String {
        let large = duplicates.filter { $0.bytes >= 100_000 }
        guard !large.isEmpty else { return "" }
        var table = TextTable(
            [.init("BYTES", isNumber: true), .init("COPIES", isNumber: true), .init("PATHS")], indentation: "  ")
        for duplicate in large.prefix(5) {
            let paths = duplicate.paths.prefix(2).map { abbreviated($0.description.visibleLine, to: 36) }
            table.add(["\(ByteCount(duplicate.bytes))", String(duplicate.paths.count), paths.joined(separator: "  ")])
        }
        return section("Duplicates", count: duplicates.count, noun: "content") + table.text
    }

    private var secretTable: String {
        guard !secrets.isEmpty else { return "" }
        var table = TextTable(
            [
                .init("RULE"), .init("LAYER", isNumber: true), .init("LINE", isNumber: true), .init("FINGERPRINT"),
                .init("PLACE", limit: 60),
            ],
            indentation: "  ")
        for secret in secrets.prefix(Self.shown) {
            table.add([
                secret.rule, secret.layer.map(String.init) ?? "-", secret.line.map(String.init) ?? "-",
                secret.fingerprint,
                abbreviated(secret.path.visibleLine, to: secret.deletedLater ? 42 : 60)
                    + (secret.deletedLater ? " (deleted later)" : ""),
            ])
        }
        return section("Secrets", count: secrets.count, noun: "place") + table.text
    }

    private var packageTable: String {
        guard !packages.isEmpty else { return "" }
        var table = TextTable(
            [
                .init("BYTES", isNumber: true), .init("LAYER", isNumber: true), .init("MANAGER"),
                .init("PACKAGE", limit: 36),
                .init("VERSION", limit: 28),
            ], indentation: "  ")
        for package in packages.sorted(by: { ($1.bytes, $0.name) < ($0.bytes, $1.name) }).prefix(10) {
            table.add([
                "\(ByteCount(package.bytes))", String(package.layer), package.manager.rawValue, package.name,
                package.version,
            ])
        }
        return section("Packages", count: packages.count, noun: "package", limit: 10) + table.text
    }

    private var findingList: String {
        guard !findings.isEmpty else { return "\nNo findings.\n" }
        let small = findings.filter(\.isSmall)
        let shown = findings.filter { !$0.isSmall }.map(\.text).joined(separator: "\n")
        return "\nFindings (\(findings.count))\n" + shown + foldedLine(small)
    }

    /// One sentence about the findings that save little.
    private func foldedLine(_ small: [Finding]) -> String {
        guard !small.isEmpty else { return "" }
        let bytes = small.reduce(0) { $0 &+ $1.bytes }
        let names = Set(small.map(\.id)).sorted().joined(separator: ", ")
        let what = small.count == 1 ? "1 finding saves" : "\(small.count) findings save"
        let text = "\(what) less than \(ByteCount(Finding.smallBytes)) each, \(ByteCount(bytes)) in all: \(names)."
        return (small.count == findings.count ? "" : "\n") + wrapped(text, width: 100, indentation: "  ")
    }

    private func section(_ title: String, count: Int, noun: String, limit: Int = shown) -> String {
        let largest = count > limit ? ", the largest \(limit)" : ""
        return "\n\(title) (\(counted(count, noun))\(largest))\n"
    }
}

extension Finding {
    fileprivate var text: String {
        var title = "  \(severity.rawValue) \(id)"
        if bytes > 0 { title += "  \(ByteCount(bytes))" }
        if compressedBytes > 0 { title += " (\(ByteCount(compressedBytes)) to pull)" }
        return title + "\n" + wrapped(message.visibleLine, width: 100, indentation: "    ")
            + (paths.isEmpty ? "" : "    e.g. \(abbreviated(paths[0].description.visibleLine, to: 90))\n")
            + wrapped("Fix: " + fix, width: 100, indentation: "    ")
    }
}
