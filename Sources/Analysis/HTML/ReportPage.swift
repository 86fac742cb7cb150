internal import Linux
internal import OCI

extension Report {
    /// The report as one self-contained page.
    public var html: String {
        page(
            title: "\(image.reference) – analysis",
            [
                header, tiles, section("Layers", note: layerNote, layerRows),
                section("Largest files", fileTable), section("Largest directories", directoryTable),
                section("Waste", note: wasteNote, wasteTable), section("Findings", Finding.list(findings)),
                section("Secrets", note: "Places only; the secrets themselves are not in this report.", secretTable),
                section("Duplicates", note: "File contents with several names.", duplicateTable),
                section("Packages", note: packageNote, packageTable),
                "<footer>\(image.digest.description)</footer>",
            ])
    }

    private static let shown = 25

    private var header: Markup {
        """
        <h1>\(image.reference)</h1>
        <p class="sub">\(image.platform.description) · \(counted(image.layerCount, "layer")) · <code>\(image.digest.short)</code></p>

        """
    }

    private var tiles: Markup {
        let side: Markup =
            if let side = wastedBySide {
                "\(ByteCount(side.yours)) by your layers, \(ByteCount(side.base)) by the base’s"
            } else {
                "The base is unknown."
            }
        let urgent = findings.filter { $0.severity != .info }.count
        return """
            <div class="tiles">
            \(tile("To pull", value: "\(ByteCount(image.compressedSize))", remark: "compressed, all layers"))
            \(tile("Unpacked", value: "\(ByteCount(image.size))", remark: "\(ByteCount(waste.liveBytes)) of it visible"))
            \(tile("Efficiency", value: "\(percent(waste.efficiency))", remark: "visible share of the shipped bytes"))
            \(tile("Wasted", value: "\(ByteCount(waste.wastedBytes))", remark: side))
            \(tile("To look at", value: "\(urgent)", remark: "of \(counted(findings.count, "finding"))"))
            </div>

            """
    }
}

// MARK: - Layers

extension Report {
    private var layerNote: String {
        "Base: \(base.sentence) Hatched: shipped, but visible to no container."
    }

    private var layerRows: [Markup] {
        let scale = layers.map(\.size).max() ?? 0
        return layers.map { layer in
            BarRow(
                number: layer.index, label: layer.command, bytes: layer.size, wasted: layer.wastedBytes,
                remark: "\(ByteCount(layer.compressedSize)) to pull"
            ).markup(scale: scale)
        }
    }
}

// MARK: - Tables

extension Report {
    private var wasteNote: String {
        let more =
            waste.items.count > Self.shown ? "The largest \(Self.shown) of \(grouped(waste.items.count)) paths. " : ""
        return more + "Copies that layers ship and later layers hide."
    }

    private var fileTable: [Markup] {
        table(
            ["Bytes", "Layer", "Path"],
            largestFiles.map { row in
                """
                <tr><td class="num">\(ByteCount(row.bytes))</td><td>\(row.layer)</td>\
                <td><code>\(abbreviated(row.path.description.visibleLine, to: 120))</code></td></tr>

                """
            })
    }

    private var directoryTable: [Markup] {
        table(
            ["Bytes", "Files", "Layers", "Path"],
            largestDirectories.map { row in
                """
                <tr><td class="num">\(ByteCount(row.bytes))</td><td>\(grouped(row.files))</td>\
                <td>\(row.layers.map(String.init).joined(separator: ", "))</td>\
                <td><code>\(abbreviated(row.path.description.visibleLine, to: 120))</code></td></tr>

                """
            })
    }

    private var wasteTable: [Markup] {
        table(
            ["Bytes", "To pull", "Copies", "Class", "Layers", "Owner", "Path"],
            waste.items.prefix(Self.shown).map { item in
                """
                <tr><td class="num">\(ByteCount(item.bytes))</td>\
                <td class="num">\(item.compressedBytes.map { "\(ByteCount($0))" } ?? "–")</td>\
                <td class="num">\(item.copies.count)</td>\
                <td>\(item.kind.rawValue)</td><td>\(item.layers.map(String.init).joined(separator: " → "))</td>\
                <td>\(base.owner(of: item.copies.map(\.layer))?.mark ?? "both")</td>\
                <td><code>\(abbreviated(item.path.description.visibleLine, to: 120))</code></td></tr>

                """
            })
    }

    private var secretTable: [Markup] {
        table(
            ["Rule", "Layer", "Line", "Place", "Fingerprint"],
            secrets.prefix(200).map { secret in
                let later: Markup = secret.deletedLater ? " <span class=\"pill\">deleted later</span>" : ""
                return """
                    <tr><td>\(secret.rule)</td><td>\(secret.layer.map(String.init) ?? "–")</td>\
                    <td>\(secret.line.map(String.init) ?? "–")</td>\
                    <td><code>\(abbreviated(secret.path.visibleLine, to: 120))</code>\(later)</td>\
                    <td><code>\(secret.fingerprint)</code></td></tr>

                    """
            })
    }

    private var duplicateTable: [Markup] {
        table(
            ["Bytes", "Copies", "Paths"],
            duplicates.prefix(Self.shown).map { duplicate in
                let paths = duplicate.paths.prefix(4).map { path -> Markup in
                    "<code>\(abbreviated(path.description.visibleLine, to: 120))</code><br>"
                }
                return """
                    <tr><td class="num">\(ByteCount(duplicate.bytes))</td><td class="num">\(duplicate.paths.count)</td>\
                    <td>\(paths)</td></tr>

                    """
            })
    }

    private var packageNote: String {
        packages.count > Self.shown ? "The largest \(Self.shown) of \(counted(packages.count, "package"))." : ""
    }

    private var packageTable: [Markup] {
        let largest = packages.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }.prefix(Self.shown)
        return table(
            ["Bytes", "Layer", "Manager", "Package", "Version"],
            largest.map { package in
                """
                <tr><td class="num">\(ByteCount(package.bytes))</td><td class="num">\(package.layer)</td>\
                <td>\(package.manager.rawValue)</td><td>\(truncated(package.name, to: 80))</td>\
                <td>\(truncated(package.version, to: 60))</td></tr>

                """
            })
    }
}

/// Makes a table that scrolls by itself on a narrow page; empty if it has no rows.
func table(_ columns: [String], _ rows: [Markup]) -> [Markup] {
    guard !rows.isEmpty else { return [] }
    let numbers: Set = ["Bytes", "To pull", "Copies"]
    let titles = columns.map { title -> Markup in
        numbers.contains(title) ? "<th class=\"num\">\(title)</th>" : "<th>\(title)</th>"
    }
    return ["<div class=\"scroll\"><table><tr>\(titles)</tr>\n\(rows)</table></div>"]
}
