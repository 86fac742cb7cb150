internal import Linux

extension ImageComparison {
    /// The Markdown for a comment on a pull request: the sentence, a table of sizes, and foldable parts.
    public var markdown: String {
        var text =
            "**\(headline.markdown)**\n\n| | \(before.name.markdown) | \(after.name.markdown) | |\n|---|--:|--:|--:|\n"
        text += row("to pull", before: before.compressedSize, after: after.compressedSize)
        text += row("unpacked", before: before.size, after: after.size)
        for part in parts(limit: 20) {
            text += "\n<details><summary>\(part.title)</summary>\n\n"
            text += part.lines.map { "- \($0.markdown)\n" }.joined() + "\n</details>\n"
        }
        return text
    }

    private func row(_ name: String, before: Int64, after: Int64) -> String {
        "| \(name) | \(ByteCount(before)) | \(ByteCount(after)) | \(signed(after - before)) |\n"
    }
}
