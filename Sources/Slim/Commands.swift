internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    /// Keeps the programs that a kept file runs: by the words of a script or a configuration, or by an ELF file's texts.
    ///
    /// Programs of packages run others only if they are run themselves; a script of a package calls no package manager.
    mutating func keepCommands(of node: FileTree.NodeID) {
        let inode = tree[node: node].inode
        let (path, owner) = (tree.path(of: node), packages.owner[node])
        if let elf = contents.elf[inode] {
            let isOfBase = owner.map { packages.list[$0].row.isBase } ?? false
            guard owner == nil || (isRun(node) && !isOfBase), scanned.insert(inode).inserted else { return }
            return keepCommands(of: elf, path)
        }
        guard scanned.insert(inode).inserted else { return }
        if let script = contents.scripts[inode] {
            for program in script.programs {
                if let found = contents.program(program) { keep(found, .shebang(of: path)) }
            }
            keepCommands(script.words, in: path, withoutManagers: owner != nil)
        }
        guard let source = contents.sources[inode],
            contents.scripts[inode] != nil || isApplicationSource(node, path)
        else { return }
        keepCommands(source.commands, in: path, withoutManagers: owner != nil)
        if source.usesShell { keepCommands([Array("sh".utf8)], in: path) }
    }

    /// True for a source of the application; packages and standard libraries name more programs than they run.
    private func isApplicationSource(_ node: FileTree.NodeID, _ path: ImagePath) -> Bool {
        guard packages.owner[node] == nil else { return SourceFacts.isOfSupervisor(path) }
        let names = path.components.map(\.text)
        guard names.count > 3, names[0] == "usr", let place = names.firstIndex(where: { $0.hasPrefix("lib") }),
            names.count > place + 1
        else { return true }
        let isLibrary = ["python3", "perl", "ruby", "php"].contains { names[place + 1].hasPrefix($0) }
        return !isLibrary || names.contains("site-packages") || names.contains("dist-packages")
    }

    /// Keeps the programs and files that words name, and the programs that those run by themselves.
    mutating func keepCommands(_ words: [[UInt8]], in script: ImagePath?, withoutManagers: Bool = false) {
        for word in words + ImpliedPrograms.of(words) {
            guard let found = contents.program(word) else { continue }
            if withoutManagers, let owner = packages.owner[found.node], DropKind.isManager(packages.list[owner].name) {
                continue
            }
            keep(found, .command(in: script))
        }
    }

    /// Keeps the programs in the texts of an ELF program that can run some.
    private mutating func keepCommands(of elf: ELF, _ path: ImagePath) {
        let symbols = elf.symbols
        guard !symbols.contains(where: \.isOfInterpreter), symbols.contains(where: \.runsPrograms),
            elf.soname?.hasPrefix("libc.") != true
        else { return }
        let takesText = symbols.contains(where: \.takesShellText)
        let searches = takesText || symbols.contains(where: \.searchesPath)
        if takesText { keepCommands([Array("sh".utf8)], in: path) }
        var names: [[UInt8]] = []
        for text in elf.commandTexts {
            if takesText, text.contains(0x20) {
                keepCommands(Self.firstWords(of: text), in: path)
            } else if text.first == UInt8(ascii: "/") {
                keepCommands([text], in: path)
            } else if searches, !text.contains(0x20) {
                names.append(text)
            }
        }
        // A program that has as many names of programs as busybox contains these programs.
        guard names.count(where: { contents.program($0) != nil }) <= Self.maximumNames else { return }
        keepCommands(names, in: path)
    }

    /// The most names of other programs that a program is expected to run.
    private static let maximumNames = 40

    /// Returns the first word of each command in a shell's text.
    private static func firstWords(of text: [UInt8]) -> [[UInt8]] {
        text.split { "|;&(\n".utf8.contains($0) }.compactMap { part in
            let word = part.drop { $0 == 0x20 }.prefix { $0 != 0x20 }
            return word.isEmpty ? nil : Array(word)
        }
    }
}

/// Programs that others run without being named.
enum ImpliedPrograms {
    private static let byProgram: [String: [String]] = [
        "cron": ["sh"], "crond": ["sh"], "watch": ["sh"], "su": ["sh"], "runuser": ["sh"], "make": ["sh"],
        "script": ["sh"], "at": ["sh"], "xargs": ["echo"], "less": ["sh"],
    ]
    private static let byOption: [String: String] = [
        "--gzip": "gzip", "--bzip2": "bzip2", "--xz": "xz", "--zstd": "zstd", "--lzma": "xz", "--lzop": "lzop",
    ]
    private static let bySuffix: [(suffix: String, program: String)] = [
        (".gz", "gzip"), (".tgz", "gzip"), (".bz2", "bzip2"), (".tbz", "bzip2"), (".xz", "xz"), (".txz", "xz"),
        (".zst", "zstd"),
    ]

    /// Returns the programs that the commands in `words` run: `gzip` for `tar -czf`, a shell for cron.
    static func of(_ words: [[UInt8]]) -> [[UInt8]] {
        let texts = words.map(\.text)
        let names = Set(texts.map { $0.split(separator: "/").last.map(String.init) ?? $0 })
        var found = names.flatMap { byProgram[$0] ?? [] }
        if !names.isDisjoint(with: ["tar", "bsdtar", "gtar"]) { found += texts.flatMap(compressors) }
        return Set(found).sorted().map { Array($0.utf8) }
    }

    /// Returns the programs that a word of tar's command line makes it run.
    private static func compressors(of word: String) -> [String] {
        var found = byOption[word].map { [$0] } ?? []
        found += bySuffix.filter { word.hasSuffix($0.suffix) }.map(\.program)
        let letters = word.hasPrefix("-") ? word.dropFirst() : Substring(word)
        guard letters.count <= 8, letters.allSatisfy({ "cxtruAzjJZavfpPkOsmhC".contains($0) }) else { return found }
        for (letter, program) in [("z", "gzip"), ("j", "bzip2"), ("J", "xz")] where letters.contains(letter) {
            found.append(program)
        }
        return found
    }
}

extension ImageFiles {
    /// True for a script, or an ELF file with a loader, which the kernel can start.
    func isProgram(_ node: FileTree.NodeID) -> Bool {
        let inode = tree[node: node].inode
        return scripts[inode] != nil || elf[inode]?.interpreter != nil
    }
}
