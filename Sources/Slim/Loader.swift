internal import ImageFiles
internal import Linux
internal import OCI

/// A search for an ELF file's libraries as the image's own loader would do it (ld.so(8), musl's dynlink.c).
///
/// No program of the image runs. Order for glibc, after DT_NEEDED with a slash, which is a path:
/// ```
/// DT_RPATH of the file and its loaders, each without DT_RUNPATH     $ORIGIN $LIB $PLATFORM expanded
/// LD_LIBRARY_PATH of the image's ENV                                not for setuid, setgid, file capabilities
/// DT_RUNPATH of the file itself
/// /etc/ld.so.cache
/// /lib and /usr/lib with their multiarch directories                not with DF_1_NODEFLIB
/// ```
/// The directories of ld.so.conf come last. The loader itself does not read them, but the cache may be regenerated
/// later. All variants in `glibc-hwcaps` are kept, because the choice depends on the processor. Files of another class
/// or machine are ignored. musl: LD_LIBRARY_PATH, then RPATH and RUNPATH alike of the file and its loaders, then
/// `/etc/ld-musl-ARCH.path` or `/lib:/usr/local/lib:/usr/lib`.
struct Loader {
    /// A loaded file; `$ORIGIN` is the directory in which it was found, or its link's target directory.
    struct Loaded {
        let node: FileTree.NodeID
        let elf: ELF
        let origins: [FileTree.NodeID]
        var isPrivileged = false
    }

    private let contents: ImageFiles
    let cache: LoaderCache?
    private let isMusl: Bool
    private let libraryPath: [[UInt8]]
    private let defaults: [[UInt8]]
    private let configured: [[UInt8]]
    private let muslPath: [[UInt8]]
    private let libraryNames: [[UInt8]]

    private var tree: FileTree { contents.tree }

    init(_ contents: ImageFiles) {
        self.contents = contents
        let tree = contents.tree
        cache = contents.text(at: .known("etc/ld.so.cache")).flatMap(LoaderCache.init)
        isMusl =
            contents.elf.values.contains { Self.isMusl($0) } && !contents.elf.values.contains { Self.isGlibc($0) }
        libraryPath = Self.list(contents.image.config.environmentValue("LD_LIBRARY_PATH"), by: ":;")
        let multiarch = Self.multiarch(tree)
        libraryNames =
            multiarch.map { Array("lib/".utf8) + $0 } + ["lib64", "lib", "lib32", "libx32"].map { Array($0.utf8) }
        defaults = libraryNames.flatMap { name in [Array("/".utf8) + name, Array("/usr/".utf8) + name] }
        configured = LoaderConfiguration(contents).directories
        muslPath = Self.muslPath(contents) ?? Self.list("/lib:/usr/local/lib:/usr/lib", by: ":")
    }

    /// Returns a file as the loader loads it.
    func loaded(_ node: FileTree.NodeID, foundIn directory: FileTree.NodeID? = nil) -> Loaded? {
        guard let elf = contents.elf[tree[node: node].inode] else { return nil }
        let metadata = tree.inode(of: node).metadata
        let origins = [directory, tree[node: node].parent].compactMap(\.self)
        return Loaded(
            node: node, elf: elf, origins: origins,
            isPrivileged: metadata.mode & 0o6000 != 0 || metadata.xattrs["security.capability"] != nil)
    }

    /// Returns the files that the loader may choose for `name` in `file`; `loaders` loaded it, nearest first.
    ///
    /// There are several if the choice depends on the processor. Each comes with the directory in which it was found.
    func find(
        _ name: [UInt8], for file: Loaded, loaders: [Loaded], isPrivileged: Bool
    ) -> [(found: FileTree.Found, directory: FileTree.NodeID)] {
        if name.contains(UInt8(ascii: "/")) {
            let paths = expand(name, for: file)
            return paths.lazy.compactMap { fit($0, in: contents.workingNode, file) }.first.map { [$0] } ?? []
        }
        var matches: [(found: FileTree.Found, directory: FileTree.NodeID)] = []
        for place in searchEntries(for: file, loaders: loaders, isPrivileged: isPrivileged) {
            switch place {
            case .cache:
                if search(cache: name, file, &matches) { return matches }
            case .directory(let directory):
                if search(directory, for: name, of: file, matches: &matches) { return matches }
            }
        }
        return matches
    }
}

// MARK: - Directories

extension Loader {
    private enum SearchEntry {
        case directory([UInt8])
        case cache
    }

    private func searchEntries(for file: Loaded, loaders: [Loaded], isPrivileged: Bool) -> [SearchEntry] {
        let environment = isPrivileged ? [] : libraryPath
        if isMusl {
            let paths = ([file] + loaders).flatMap { one in
                (one.elf.rpath + one.elf.runpath).flatMap { expand($0, for: one) }
            }
            return (environment + paths + muslPath).map(SearchEntry.directory)
        }
        var searchEntries: [[UInt8]] = []
        if file.elf.runpath.isEmpty {
            for one in [file] + loaders where one.elf.runpath.isEmpty {
                searchEntries += one.elf.rpath.flatMap { expand($0, for: one) }
            }
        }
        searchEntries += environment + file.elf.runpath.flatMap { expand($0, for: file) }
        let last = file.elf.ignoresDefaultDirectories ? [] : defaults
        return searchEntries.map(SearchEntry.directory) + [.cache] + (last + configured).map(SearchEntry.directory)
    }

    /// Returns the possible values of a path with `$ORIGIN`, `$LIB` or `$PLATFORM`.
    private func expand(_ text: [UInt8], for file: Loaded) -> [[UInt8]] {
        guard text.contains(UInt8(ascii: "$")) else { return [text] }
        let origins = file.origins.map { Array(tree.path(of: $0).description.utf8) }
        var results = [text]
        for (name, values) in [("ORIGIN", origins), ("LIB", libraryNames), ("PLATFORM", Self.platforms)] {
            results = results.flatMap { Self.replace(name, in: $0, with: values) }
        }
        return results
    }

    private static let platforms = ["x86_64", "haswell", "xeon_phi", "aarch64", "i686", "i386", "v7l", "v8l"].map {
        Array($0.utf8)
    }

    private static func replace(_ name: String, in text: [UInt8], with values: [[UInt8]]) -> [[UInt8]] {
        for form in ["${\(name)}", "$\(name)"] {
            guard let range = text.firstRange(of: Array(form.utf8)) else { continue }
            return values.map { text[..<range.lowerBound] + $0 + text[range.upperBound...] }
        }
        return [text]
    }

    private static func list(_ text: String?, by separators: String) -> [[UInt8]] {
        (text ?? "").split(whereSeparator: { separators.contains($0) }).map { Array($0.utf8) }
    }

    private static func multiarch(_ tree: FileTree) -> [[UInt8]] {
        var names = Set<[UInt8]>()
        for directory in ["lib", "usr/lib"] {
            guard let found = tree.resolve(.known(directory)) else { continue }
            for name in tree[node: found.node].children.keys where name.firstRange(of: Array("-linux-gnu".utf8)) != nil
            {
                names.insert(name)
            }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func muslPath(_ contents: ImageFiles) -> [[UInt8]]? {
        let tree = contents.tree
        guard let etc = tree.resolve(.known("etc")) else { return nil }
        let file = tree.children(of: etc.node).first {
            $0.name.starts(with: "ld-musl-".utf8) && $0.name.suffix(5).elementsEqual(".path".utf8)
        }
        guard let file, let text = contents.text(at: tree.path(of: file.node)) else { return nil }
        return text.split { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "\n") }.map(Array.init)
    }

    static func isMusl(_ elf: ELF) -> Bool {
        (elf.interpreter.map { $0.firstRange(of: Array("ld-musl-".utf8)) != nil } ?? false)
            || elf.needed.contains { $0.starts(with: "libc.musl-".utf8) }
    }

    static func isGlibc(_ elf: ELF) -> Bool {
        (elf.interpreter.map { $0.firstRange(of: Array("/ld-linux".utf8)) != nil } ?? false)
            || elf.needed.contains { $0.elementsEqual("libc.so.6".utf8) }
    }
}

// MARK: - Search

extension Loader {
    private static let variants = ["glibc-hwcaps", "tls", "x86_64", "haswell"]

    /// Searches one directory and its directories for certain processors; true if the search ends here.
    private func search(
        _ directory: [UInt8], for name: [UInt8], of file: Loaded,
        matches: inout [(found: FileTree.Found, directory: FileTree.NodeID)]
    ) -> Bool {
        guard let place = tree.follow(directory, from: contents.workingNode),
            tree.inode(of: place.node).kind.isDirectory
        else { return false }
        for variant in Self.variants {
            guard let below = tree[node: place.node].children[Array(variant.utf8)] else { continue }
            let directories =
                [below] + tree.children(of: below).map(\.node).filter { tree.inode(of: $0).kind.isDirectory }
            for directory in directories {
                if let match = fit(name, in: directory, file) { matches.append(add(place.links, to: match)) }
            }
        }
        guard let match = fit(name, in: place.node, file) else { return false }
        matches.append(add(place.links, to: match))
        return true
    }

    private func search(
        cache name: [UInt8], _ file: Loaded, _ matches: inout [(found: FileTree.Found, directory: FileTree.NodeID)]
    ) -> Bool {
        var isFound = false
        for entry in cache?.paths(of: name) ?? [] where entry.isVariant || !isFound {
            guard let match = fit(entry.path, in: FileTree.rootNode, file) else { continue }
            matches.append(match)
            if !entry.isVariant { isFound = true }
        }
        return isFound
    }

    /// Returns the file at a path, if `file` can load it.
    private func fit(
        _ path: [UInt8], in start: FileTree.NodeID, _ file: Loaded
    ) -> (found: FileTree.Found, directory: FileTree.NodeID)? {
        guard let found = tree.follow(path, from: start),
            let elf = contents.elf[tree[node: found.node].inode],
            elf.class == file.elf.class, elf.machine == file.elf.machine, elf.isBigEndian == file.elf.isBigEndian
        else { return nil }
        let above = path.lastIndex(of: UInt8(ascii: "/")).flatMap {
            tree.follow(path[..<$0] + [UInt8(ascii: "/")], from: start)
        }
        return (found, above?.node ?? start)
    }

    private func add(
        _ links: [FileTree.NodeID], to match: (found: FileTree.Found, directory: FileTree.NodeID)
    ) -> (found: FileTree.Found, directory: FileTree.NodeID) {
        (FileTree.Found(node: match.found.node, links: links + match.found.links), match.directory)
    }
}

/// The directories of `/etc/ld.so.conf`, with its includes.
struct LoaderConfiguration {
    private(set) var directories: [[UInt8]] = []
    private var seen = Set<ImagePath>()

    init(_ contents: ImageFiles) { read(.known("etc/ld.so.conf"), contents) }

    private mutating func read(_ path: ImagePath, _ contents: ImageFiles) {
        guard seen.insert(path).inserted, let text = contents.text(at: path) else { return }
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split { " \t,:=".utf8.contains($0) }
            if let first = words.first, first.elementsEqual("include".utf8) {
                for pattern in words.dropFirst() { include(Array(pattern), from: path, contents) }
            } else {
                directories += words.filter { $0.first == UInt8(ascii: "/") }.map(Array.init)
            }
        }
    }

    /// Reads the included files, each only once, so that mutual includes end.
    private mutating func include(_ text: [UInt8], from path: ImagePath, _ contents: ImageFiles) {
        let tree = contents.tree
        let full = text.first == UInt8(ascii: "/") ? text : path.parent.bytes + [UInt8(ascii: "/")] + text
        guard let pattern = try? ImagePathPattern(String(decoding: full, as: UTF8.self)),
            let slash = full.lastIndex(of: UInt8(ascii: "/")),
            let directory = tree.follow(full[..<slash], from: FileTree.rootNode)
        else { return }
        let place = tree.path(of: directory.node)
        for (name, _) in tree.children(of: directory.node) where pattern.matches(place.appending(name)) {
            read(place.appending(name), contents)
        }
    }
}
