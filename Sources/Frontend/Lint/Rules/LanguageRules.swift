// The rules for the package managers of languages.

extension ScriptLinter {
    mutating func checkPythonModule(_ command: ShellCommand) {
        guard let index = command.words.firstIndex(where: { $0.text == "-m" }), index + 1 < command.words.count,
            command.words[1...index].allSatisfy({ $0.text.utf8.first == Ascii.dash })
        else { return }
        switch command.words[index + 1].text {
        case "pip": checkPip(Invocation(command, tool: "pip", skipping: index + 2))
        case "pipx": checkPipx(Invocation(command, tool: "pipx", skipping: index + 2))
        default: break
        }
    }

    mutating func checkPip(_ call: Invocation) {
        guard call.verb == "install" else { return }
        checkPipCache(call)
        guard !call.has("-r", "--requirement", "-c", "--constraint", "--group") else { return }
        if let first = call.arguments.first(where: { isUnpinnedPython($0) }) {
            add(
                "DL3013",
                "pip installs the newest \(first.text) at each build. Write \(first.text)==VERSION, or use a requirements file"
            )
        }
    }

    private mutating func checkPipCache(_ call: Invocation) {
        guard !call.has("--no-cache-dir"), !context.isMounted("/.cache"), !context.isMounted("pip") else { return }
        if let value = context.value(of: "PIP_NO_CACHE_DIR"),
            !["", "0", "false", "off", "no"].contains(value.asciiLowercased)
        {
            return
        }
        add(
            "DL3042", "pip leaves its cache in the layer. Add --no-cache-dir, or mount a cache at /root/.cache/pip",
            proposal: insertion("--no-cache-dir", call))
    }

    mutating func checkPipx(_ call: Invocation) {
        guard call.verb == "install" else { return }
        if let first = call.arguments.first(where: { isUnpinnedPython($0) }) {
            add("DL3013", "pipx installs the newest \(first.text) at each build. Write \(first.text)==VERSION")
        }
    }

    /// True for a package of an index, or a repository, without a version.
    private func isUnpinnedPython(_ word: ShellWord) -> Bool {
        let text = word.text
        guard !word.isDynamic else { return false }
        let scheme = ["git", "hg", "svn", "bzr"].contains { text.hasPrefix("\($0)+") }
        if scheme {
            return text.utf8.split(separator: Ascii.slash).last.map { !$0.contains(UInt8(ascii: "@")) } ?? true
        }
        let isPath = text.hasPrefix(".") || text.utf8.contains(Ascii.slash)
        let isFile = [".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2"].contains { text.hasSuffix($0) }
        return !isPath && !isFile && !text.utf8.contains { "=@~<>!".utf8.contains($0) }
    }

    mutating func checkNpm(_ call: Invocation) {
        guard ["install", "i", "add", "in", "isntall"].contains(call.verb) else { return }
        if let first = call.arguments.first(where: { isUnpinnedNode($0) }) {
            add("DL3016", "npm installs the newest \(first.text) at each build. Write \(first.text)@VERSION")
        }
    }

    private func isUnpinnedNode(_ word: ShellWord) -> Bool {
        let text = word.text
        guard !word.isDynamic else { return false }
        if ["git+", "git:", "git://"].contains(where: text.hasPrefix) { return !text.utf8.contains(Ascii.hash) }
        let isPath = [".", "/", "~"].contains(where: text.hasPrefix) || text.holds("://")
        let isFile = [".tgz", ".tar.gz", ".tar"].contains { text.hasSuffix($0) }
        return !isPath && !isFile && !text.utf8.dropFirst().contains(UInt8(ascii: "@"))
    }

    mutating func checkGem(_ call: Invocation) {
        guard ["install", "i"].contains(call.verb), !call.has("-v", "--version") else { return }
        let names = unpinned(call.arguments, marks: ":").filter { !$0.text.hasSuffix(".gem") }
        if let first = names.first {
            add("DL3028", "gem installs the newest \(first.text) at each build. Write \(first.text):VERSION")
        }
    }

    mutating func checkGo(_ call: Invocation) {
        guard ["install", "get", "run"].contains(call.verb) else { return }
        // The words after the package of `go run` are the program's.
        let packages = call.verb == "run" ? call.arguments.prefix(1) : call.arguments
        let unpinned = packages.first { word in
            let text = word.text
            let isLocal = text.hasPrefix(".") || text.hasPrefix("/") || text.hasSuffix(".go") || text.hasSuffix("...")
            guard !word.isDynamic, !isLocal else { return false }
            guard let (_, version) = text.cut(UInt8(ascii: "@")) else { return true }
            return version == "latest"
        }
        if let unpinned {
            let name = unpinned.text.cut(UInt8(ascii: "@"))?.before ?? unpinned.text
            add("DL3062", "go takes the newest \(name) at each build. Write \(name)@VERSION")
        }
    }
}
