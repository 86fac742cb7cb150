internal import Linux
internal import OCI

/// HTML whose interpolated text is escaped.
///
/// Only this module's literals and other markup are not escaped, so nothing from an image can become an element.
struct Markup: ExpressibleByStringInterpolation {
    /// The text of the HTML.
    let html: String

    init(stringLiteral literal: String) { html = literal }

    init(stringInterpolation: StringInterpolation) { html = stringInterpolation.html }

    /// The collector of literals and escaped text.
    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var html = ""

        init(literalCapacity: Int, interpolationCount: Int) { html.reserveCapacity(literalCapacity * 2) }

        mutating func appendLiteral(_ literal: String) { html += literal }

        mutating func appendInterpolation(_ text: String) { html += escaped(text) }

        mutating func appendInterpolation(_ number: Int) { html += String(number) }

        mutating func appendInterpolation(ms milliseconds: Double) { html += Duration.text(milliseconds: milliseconds) }

        mutating func appendInterpolation(_ count: ByteCount) { html += count.description }

        mutating func appendInterpolation(_ markup: Markup) { html += markup.html }

        mutating func appendInterpolation(_ list: [Markup]) { for markup in list { html += markup.html } }
    }
}

/// Escapes text for use between tags and in quoted attributes.
private func escaped(_ text: String) -> String {
    var result = ""
    for character in text.visibleLine.unicodeScalars {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.unicodeScalars.append(character)
        }
    }
    return result
}

extension Digest {
    /// The 32 bytes in base64, as a content security policy has them.
    fileprivate var base64: String {
        let digits = hex.utf8.map { $0 < UInt8(ascii: "a") ? $0 - UInt8(ascii: "0") : $0 - UInt8(ascii: "a") + 10 }
        return Base64.padded(stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }
}

// MARK: - Parts of pages

/// Makes a whole page: one file that loads nothing, with a script of this module if it has one.
func page(title: String, script: String = "", _ body: [Markup]) -> String {
    let allowed: Markup = script.isEmpty ? "" : " script-src 'sha256-\(Digest(of: Array(script.utf8)).base64)';"
    let element: Markup = script.isEmpty ? "" : "<script>\(Markup(stringLiteral: script))</script>"
    let markup: Markup = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none';\(allowed) style-src 'unsafe-inline'">
        <title>\(title)</title>
        <style>\(styleSheet)\(script.isEmpty ? "" : explorerStyle)</style>
        </head>
        <body><main>
        \(body)
        </main>\(element)</body>
        </html>

        """
    return markup.html
}

/// Makes a part of a page under a heading; empty if it has no content.
func section(_ title: String, note: String = "", _ content: [Markup]) -> Markup {
    if content.isEmpty { return "" }
    let remark: Markup = note.isEmpty ? "" : "<p class=\"note\">\(note)</p>"
    return "<section><h2>\(title)</h2>\(remark)\(content)</section>\n"
}

/// Makes a box with a number and its name.
func tile(_ name: String, value: Markup, remark: Markup, style: String = "") -> Markup {
    "<div class=\"tile \(style)\"><div class=\"name\">\(name)</div><div class=\"value\">\(value)</div><div class=\"remark\">\(remark)</div></div>\n"
}

/// Returns `part` of `whole` as a CSS percentage; a part above zero stays visible.
func share(_ part: Double, of whole: Double) -> String {
    guard whole > 0, part > 0, part.isFinite, whole.isFinite else { return "0%" }
    return decimal(min(100, max(0.4, part / whole * 100)), digits: 2) + "%"
}

/// A row of a list of bars: a label, a bar whose last part is hatched, and numbers.
struct BarRow {
    let number: Int
    let label: String
    let bytes: Int64
    let wasted: Int64
    let remark: String

    func markup(scale: Int64) -> Markup {
        let useful = max(0, bytes - wasted)
        let hatched: Markup =
            wasted > 0 ? "<i class=\"wasted\" style=\"width:\(share(Double(wasted), of: Double(scale)))\"></i>" : ""
        let solid: Markup = useful > 0 ? "<i style=\"width:\(share(Double(useful), of: Double(scale)))\"></i>" : ""
        return """
            <div class="row"><div class="label" title="\(label)"><b>\(number)</b> <code>\(truncated(label, to: 160))</code></div>\
            <div class="bar">\(solid)\(hatched)</div><div class="amount">\(ByteCount(bytes))<span>\(remark)</span></div></div>

            """
    }
}

extension Finding {
    /// The finding in a list.
    var markup: Markup {
        let cost: Markup = bytes > 0 ? "<span class=\"cost\">\(ByteCount(bytes))</span>" : ""
        let shown = paths.prefix(4).map { path -> Markup in
            "<code>\(abbreviated(path.description.visibleLine, to: 90))</code>"
        }
        let examples: Markup = shown.isEmpty ? "" : "<div class=\"paths\">\(shown)</div>"
        return """
            <li class="\(severity.rawValue)"><div class="head"><span class="pill">\(severity.rawValue)</span>\
            <b>\(id)</b>\(cost)</div><p>\(message)</p>\(examples)<p class="fix">\(fix)</p></li>

            """
    }

    /// Makes a list of findings, with errors and warnings open and the rest folded.
    static func list(_ findings: [Finding], limit: Int = 60) -> [Markup] {
        guard !findings.isEmpty else { return [] }
        let important = findings.filter { $0.severity != .info }.prefix(limit).map(\.markup)
        let others = findings.filter { $0.severity == .info }.prefix(limit).map(\.markup)
        let open: Markup = important.isEmpty ? "" : "<ul class=\"findings\">\(important)</ul>"
        let folded: Markup =
            others.isEmpty
            ? ""
            : "<details><summary>\(counted(others.count, "remark"))</summary><ul class=\"findings\">\(others)</ul></details>"
        return [open, folded]
    }
}
