internal import ImageFiles
internal import Linux
internal import OCI

/// The facts about all kept files that profiles ask for, collected once for each round.
struct KeptFacts {
    /// One kept file with each symbol.
    private(set) var symbols: [ELF.Symbol: FileTree.NodeID] = [:]
    /// The programs and libraries that use glibc.
    private(set) var glibc: [Loader.Loaded] = []
    /// The character sets that kept programs and sources name.
    private(set) var charsets: [String] = []
    /// True if a program of the application converts character sets and names none.
    private(set) var convertsAnything = false
    /// True if a program reads the local time zone, or can't tell.
    private(set) var usesTimeZones = false
    private var names: [String: FileTree.NodeID] = [:]
    private var used: [String: FileTree.NodeID] = [:]
    private var sorted: [String] = []

    init(_ planner: Planner) {
        let (tree, contents) = (planner.tree, planner.contents)
        var charsets = Set<String>()
        for node in planner.kept.keys.sorted() {
            let inode = tree[node: node].inode
            guard tree.inodes[inode].kind.isFile else { continue }
            let name = tree[node: node].name.text
            if names[name] == nil { names[name] = node }
            if used[name] == nil, planner.kept[node]?.contains(where: \.isUse) ?? false { used[name] = node }
            charsets.formUnion(contents.sources[inode]?.charsets.map(\.text) ?? [])
            if let loaded = planner.loader.loaded(node) {
                add(loaded, isOwned: planner.packages.owner[node] != nil, &charsets)
            }
        }
        self.charsets = charsets.sorted()
        sorted = names.keys.sorted()
    }

    private mutating func add(_ file: Loader.Loaded, isOwned: Bool, _ charsets: inout Set<String>) {
        for symbol in file.elf.symbols where symbols[symbol] == nil { symbols[symbol] = file.node }
        if Loader.isGlibc(file.elf) { glibc.append(file) }
        let isLibC = file.elf.soname?.elementsEqual("libc.so.6".utf8) ?? false
        // A static program has no symbols to judge by.
        let isStatic = !file.elf.isDynamic && file.elf.interpreter == nil
        if isStatic || (!isLibC && file.elf.symbols.contains(where: \.usesTimeZones)) { usesTimeZones = true }
        guard !isLibC, file.elf.symbols.contains(.iconvOpen) else { return }
        let named = file.elf.commandTexts.filter { $0.count <= 24 && Charset.isLikely($0) }
        charsets.formUnion(named.map(\.text))
        if !isOwned, named.isEmpty { convertsAnything = true }
    }

    /// True if a kept file's name begins with a text.
    func has(_ prefix: String) -> Bool { !names(from: prefix).isEmpty }

    /// Returns the kept files whose name begins with a text, sorted by name.
    func names(from prefix: String) -> [(name: String, node: FileTree.NodeID)] {
        sorted.filter { $0.hasPrefix(prefix) }.compactMap { name in names[name].map { (name, $0) } }
    }

    /// Returns the first kept program of a rule's kind.
    func program(of rule: ProfileRule) -> FileTree.NodeID? {
        for symbol in ELF.Symbol.allCases where rule.symbols.contains(symbol) {
            if let node = symbols[symbol] { return node }
        }
        return rule.libraries.lazy.compactMap { names(from: $0).first?.node }.first
            ?? rule.programs.sorted().lazy.compactMap { used[$0] }.first
    }
}
