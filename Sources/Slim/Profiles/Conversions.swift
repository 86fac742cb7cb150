internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    private static let always = ["ANSI_X3.110", "CP1252", "ISO8859-1", "ISO8859-15", "UNICODE"]

    /// Keeps iconv's lists, the usual conversions, and those that the image's variables, programs and sources name.
    ///
    /// A program of the application that converts but names no character set gets every conversion.
    mutating func keepConversions(_ found: KeptFacts) {
        let directories = gconvDirectories()
        guard !directories.isEmpty else { return }
        let charsets = contents.environment.filter { $0.name == "LANG" || $0.name.hasPrefix("LC_") }
            .compactMap { $0.value.split(separator: ".").dropFirst().first?.uppercased() }
        let names = ConversionNames(texts: directories.flatMap { conversionLists(in: $0) })
        let wanted = names.modules(of: Self.always + charsets + found.charsets)
        for directory in directories {
            for (bytes, node) in tree.children(of: directory) {
                let name = bytes.text
                if name.hasPrefix("gconv-modules") || name.hasPrefix("UTF-") || found.convertsAnything
                    || wanted.contains(name)
                {
                    keep(node, .profile(.glibc, by: nil))
                }
                if name == "gconv-modules.d" {
                    keep(below: tree.path(of: node).description, .profile(.glibc, by: nil))
                }
            }
        }
    }

    /// Returns the texts of `gconv-modules` and of the files beside it.
    private func conversionLists(in directory: FileTree.NodeID) -> [[UInt8]] {
        tree.nodes(below: directory).compactMap { node in
            let name = tree[node: node].name
            return name.hasPrefix("gconv-modules") && !name.hasSuffix(".cache")
                ? contents.texts[tree[node: node].inode] : nil
        }
    }

    private func gconvDirectories() -> [FileTree.NodeID] {
        ["usr/lib", "usr/lib64", "usr/lib32", "lib"].flatMap { path -> [FileTree.NodeID] in
            guard let found = tree.follow(path.utf8, from: FileTree.rootNode) else { return [] }
            let places = [found.node] + tree.children(of: found.node).map(\.node)
            return places.compactMap { tree[node: $0].children[Array("gconv".utf8)] }
        }
    }
}

/// The files of iconv's conversions by the names of character sets.
///
/// ```
/// alias  SJIS//  SHIFT_JIS//          another name
/// module SJIS//  INTERNAL  SJIS  1    the file SJIS.so converts it
/// ```
private struct ConversionNames {
    private var aliases: [String: String] = [:]
    private var files: [String: Set<String>] = [:]

    init(texts: [[UInt8]]) {
        for line in texts.flatMap({ ByteLines($0[...]).map(\.text) }) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            if words.count >= 3, words[0] == "alias" {
                aliases[Self.name(words[1])] = Self.name(words[2])
            } else if words.count >= 4, words[0] == "module" {
                for name in words[1...2].map(Self.name) where name != "INTERNAL" {
                    files[name, default: []].insert("\(words[3]).so")
                }
            }
        }
    }

    private static func name(_ text: String) -> String { String(text.prefix { $0 != "/" }).uppercased() }

    /// Returns the files that convert these character sets; a name without an entry is that of a file.
    func modules(of charsets: [String]) -> Set<String> {
        var found = Set<String>()
        for charset in charsets {
            var (name, steps) = (Self.name(charset), 0)
            while let next = aliases[name], steps < 8 { (name, steps) = (next, steps + 1) }
            found.formUnion(files[name] ?? ["\(name).so"])
        }
        return found
    }
}
