internal import ImageFiles
internal import Linux
public import OCI

/// A library that a file needs and the image does not have.
public struct MissingLibrary: Hashable, Sendable, CustomStringConvertible {
    /// The file that needs it.
    public let path: ImagePath
    /// The library's name.
    public let name: String

    public var description: String { "\(path) needs \(name)" }
}

extension Planner {
    /// Keeps the libraries of newly kept files.
    ///
    /// Programs go first: their RPATH also applies to the libraries that they load.
    mutating func keepLibraries(of nodes: [FileTree.NodeID]) {
        let files = nodes.filter { !walked.contains($0) }.compactMap { loader.loaded($0) }
        for file in files where file.elf.interpreter != nil { keepProcess(file) }
        for file in files where file.elf.interpreter == nil && !walked.contains(file.node) { keepProcess(file) }
    }

    /// Keeps all files that are loaded with `root`: its loader, then libraries breadth first as the loader loads them.
    private mutating func keepProcess(_ root: Loader.Loaded) {
        if let interpreter = root.elf.interpreter {
            if let found = tree.follow(interpreter, from: FileTree.rootNode) {
                keep(found, .interpreter(of: tree.path(of: root.node)))
            }
            if !root.elf.rpath.isEmpty, root.elf.runpath.isEmpty { programs.append(root) }
        }
        var process = LoadedProcess(root)
        while let (file, loaders) = process.next() {
            walked.insert(file.node)
            for name in file.elf.needed + file.elf.filters + file.elf.audits
            where process.requested.insert(name).inserted {
                let matches = loader.find(
                    name, for: file, loaders: loaders + programs, isPrivileged: root.isPrivileged)
                if matches.isEmpty { report(name, wantedBy: file, in: process) }
                for match in matches {
                    keep(match.found, .elfClosure(by: tree.path(of: file.node)))
                    guard let next = loader.loaded(match.found.node, foundIn: match.directory) else { continue }
                    process.add(next, loaders: [file] + loaders)
                }
            }
            keepDynamicLoads(of: file, loaders: loaders)
        }
    }

    /// The files and names that one run of the loader has seen.
    private struct LoadedProcess {
        private var queue: [(file: Loader.Loaded, loaders: [Loader.Loaded])]
        private var seen: Set<FileTree.NodeID>
        private var index = 0
        var requested = Set<[UInt8]>()
        private(set) var sonames = Set<[UInt8]>()

        init(_ root: Loader.Loaded) {
            queue = [(root, [])]
            seen = [root.node]
        }

        mutating func add(_ file: Loader.Loaded, loaders: [Loader.Loaded]) {
            guard seen.insert(file.node).inserted else { return }
            if let soname = file.elf.soname { sonames.insert(soname) }
            queue.append((file, loaders))
        }

        mutating func next() -> (file: Loader.Loaded, loaders: [Loader.Loaded])? {
            guard index < queue.count else { return nil }
            defer { index += 1 }
            return queue[index]
        }
    }

    /// Records a missing library.
    ///
    /// A name that is a loaded library's soname needs no file of that name; neither do musl's names for itself.
    private mutating func report(_ name: [UInt8], wantedBy file: Loader.Loaded, in process: LoadedProcess) {
        guard !process.sonames.contains(name), !(Loader.isMusl(file.elf) && name.starts(with: "libc.".utf8)) else {
            return
        }
        let library = MissingLibrary(path: tree.path(of: file.node), name: String(decoding: name, as: UTF8.self))
        if !missing.contains(library) { missing.append(library) }
    }

    /// Keeps libraries that a file may load at run time: those in its notes, and those of the image in its texts.
    private mutating func keepDynamicLoads(of file: Loader.Loaded, loaders: [Loader.Loaded]) {
        let path = tree.path(of: file.node)
        // The profile of glibc keeps what libc loads.
        if file.elf.soname?.hasPrefix("libc.so") == true { return }
        for name in file.elf.dlopenNotes.flatMap(Self.sonames) + file.elf.libraryTexts {
            for match in loader.find(name, for: file, loaders: loaders + programs, isPrivileged: false)
            where match.found.node != file.node {
                keep(match.found, .dynamicLoad(by: path))
            }
        }
    }

    /// Returns the sonames of a note: `[{"feature": ..., "priority": ..., "soname": ["liba.so.1"]}]`.
    private static func sonames(_ note: [UInt8]) -> [[UInt8]] {
        // A note is only a hint, so an invalid one is ignored.
        guard let document = try? JSON(parsing: Array(note.prefix { $0 != 0 }), what: "dlopen note") else { return [] }
        return (document.array ?? []).flatMap { $0["soname"]?.strings ?? [] }.map { Array($0.utf8) }
    }
}
