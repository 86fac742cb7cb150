internal import ImageFiles
internal import Linux
internal import OCI

extension Planner {
    /// Returns the versions of the kept interpreters, such as `3.11`, with one file of each.
    ///
    /// A version is part of the name of the program or of its library. A renamed program without such a library may be
    /// any version that the image has.
    func pythonVersions(_ found: KeptFacts) -> [(version: String, node: FileTree.NodeID)] {
        var versions: [String: FileTree.NodeID] = [:]
        for prefix in ["python3.", "libpython3."] {
            for (name, node) in found.names(from: prefix) {
                let digits = name.dropFirst(prefix.count).prefix { $0.isNumber }
                if !digits.isEmpty { versions["3.\(digits)"] = node }
            }
        }
        if versions.isEmpty, let node = found.symbols[.python] ?? found.symbols[.pythonOld] {
            for version in installedPythons { versions[version] = node }
        }
        return versions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private var installedPythons: [String] {
        ["usr/lib", "usr/local/lib"].flatMap { path -> [String] in
            guard let found = tree.resolve(.known(path)) else { return [] }
            return tree.children(of: found.node).map(\.name.text).filter { $0.hasPrefix("python3.") }
                .map { String($0.dropFirst("python".count)) }
        }
    }

    /// Keeps the standard library, the packages installed with it, and the files that its extension modules read.
    ///
    /// Those are terminals, readline's settings, and `ldconfig`, with which ctypes finds libraries.
    mutating func keepPython(_ version: String) {
        let (tree, tests) = (tree, pythonTests)
        for prefix in ["usr", "usr/local"] {
            for directory in ["lib/python\(version)", "lib/python3", "lib64/python\(version)"] {
                keep(below: "\(prefix)/\(directory)", .profile(.python, by: profileCause)) { node in
                    let path = tree.path(of: node)
                    return !PythonBytecode.isCompiled(path) && !tests.contains(path)
                        && InstallerBundle(containing: path) == nil
                        && !tree[node: node].name.elementsEqual("__pycache__".utf8) && !path.name.hasSuffix(".a")
                }
            }
        }
        keep(["sbin/ldconfig", "usr/sbin/ldconfig", "etc/inputrc"], .python)
        keep(
            below: ["etc/python\(version)", "usr/lib/terminfo", "usr/share/terminfo", "etc/terminfo", "lib/terminfo"],
            .python)
    }
}

/// The directories of Python's test suites, and parts of the standard library for developers, that no source imports.
///
/// A directory counts unless a source outside of all such directories imports a module with that component.
struct PythonTests: Sendable {
    private static let tests: Set<String> = ["test", "tests", "idle_test"]
    /// Parts of the standard library: an editor, a converter, demonstrations, pip's installer, windows.
    private static let parts: Set<String> = ["idlelib", "lib2to3", "turtledemo", "ensurepip", "tkinter"]
    private static let names = tests.union(parts)
    private let imported: Set<String>
    private let isAny: Bool

    init(_ contents: ImageFiles) {
        var imported = Set<String>()
        for (id, source) in contents.sources where !source.imports.isEmpty {
            let path = contents.tree.inodes[id].path
            if path.components.contains(where: { Self.names.contains($0.text) }) { continue }
            for line in source.imports {
                let words = line.text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
                imported.formUnion(Self.names.intersection(words))
                // venv runs ensurepip without an import.
                if words.contains("venv") { imported.insert("ensurepip") }
            }
        }
        self.imported = imported
        isAny = !contents.sources.isEmpty
    }

    /// True for a path in such a directory of the standard library or an installed package.
    func contains(_ path: ImagePath) -> Bool {
        guard isAny else { return false }
        let names = path.components.map(\.text)
        guard let library = names.firstIndex(where: { $0.hasPrefix("python3") }), library > 0,
            names[library - 1].hasPrefix("lib")
        else { return false }
        let below = names[(library + 1)...]
        if let first = below.first, Self.parts.contains(first), !imported.contains(first) { return true }
        return below.contains { Self.tests.contains($0) && !imported.contains($0) }
    }
}
