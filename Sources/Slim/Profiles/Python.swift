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
        let (tree, parts) = (tree, pythonParts)
        for prefix in ["usr", "usr/local"] {
            for directory in ["lib/python\(version)", "lib/python3", "lib64/python\(version)"] {
                keep(below: "\(prefix)/\(directory)", .profile(.python, by: profileCause)) { node in
                    let path = tree.path(of: node)
                    return !PythonBytecode.isCompiled(path) && !parts.isUnneeded(path)
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
