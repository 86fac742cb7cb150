internal import Linux
internal import SystemPackage

/// The modules of one kernel: their files, and their load order.
///
/// A module lists its dependencies in its own `.modinfo` section. No file of `depmod` is read, because a package that
/// was only unpacked has no `modules.dep`.
struct ModuleTree {
    private let files: [String: FilePath]
    private let builtIn: Set<String>
    private let release: String

    /// One module, ready for an initramfs.
    struct Module {
        let name: String
        let path: FilePath
        let contents: [UInt8]
    }

    private static let sizeLimit = 64 << 20
    private static let depthLimit = 16

    /// - Parameter directory: `/lib/modules/RELEASE` of the kernel.
    init(_ directory: FilePath, release: String) throws(ColdStartError) {
        self.release = release
        var files: [String: FilePath] = [:]
        try ModuleTree.collect(directory.appending("kernel"), depth: 0, into: &files)
        self.files = files
        let list = (try? readFile(directory.appending("modules.builtin"), limit: 1 << 20)) ?? []
        builtIn = Set(
            String(decoding: list, as: UTF8.self).split(separator: "\n").map { ModuleTree.name(of: String($0)) })
    }

    /// Returns the `wanted` modules and their dependencies in load order; built-in ones are left out.
    func modules(_ wanted: [String]) throws(ColdStartError) -> [Module] {
        var ordered: [Module] = []
        var visited: Set<String> = []
        for name in wanted { try visit(name, &visited, into: &ordered) }
        return ordered
    }

    /// Depth is bounded by the number of modules, because none is visited twice.
    private func visit(_ name: String, _ visited: inout Set<String>, into ordered: inout [Module])
        throws(ColdStartError)
    {
        guard visited.insert(name).inserted, !builtIn.contains(name) else { return }
        guard let path = files[name] else { throw .moduleMissing(name, release: release) }
        let contents = try ModuleTree.unpacked(path)
        let information = ModuleInformation(contents)
        for dependency in information.dependencies { try visit(dependency, &visited, into: &ordered) }
        for dependency in information.softDependencies.before {
            try visitOptional(dependency, &visited, into: &ordered)
        }
        ordered.append(Module(name: name, path: path, contents: contents))
        for dependency in information.softDependencies.after { try visitOptional(dependency, &visited, into: &ordered) }
    }

    /// Visits a soft dependency: a module, or an algorithm that several modules may offer.
    ///
    /// Like modprobe, it ignores a missing one: it may be built in under another name.
    private func visitOptional(
        _ dependency: String, _ visited: inout Set<String>, into ordered: inout [Module]
    ) throws(ColdStartError) {
        if files[dependency] != nil || builtIn.contains(dependency) {
            return try visit(dependency, &visited, into: &ordered)
        }
        // The generic module needs no particular processor, and its name sorts before those that do.
        let offers = files.keys.filter { $0.hasPrefix(dependency + "_") }.sorted()
        if builtIn.contains(where: { $0.hasPrefix(dependency + "_") }) { return }
        for name in offers {
            guard let path = files[name] else { continue }
            guard ModuleInformation(try ModuleTree.unpacked(path)).aliases.contains(dependency) else { continue }
            return try visit(name, &visited, into: &ordered)
        }
    }

    /// Returns the module's name of a file: `kernel/drivers/virtio/virtio-rng.ko.xz` is `virtio_rng`.
    static func name(of path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let stem = String(file.prefix(upTo: file.firstRange(of: ".ko")?.lowerBound ?? file.endIndex))
        return stem.replacing("-", with: "_")
    }

    private static func collect(
        _ path: FilePath, depth: Int, into files: inout [String: FilePath]
    ) throws(ColdStartError) {
        guard depth < depthLimit else { return }
        for entry in try entries(path) {
            guard let text = String(validating: entry.name, as: UTF8.self), let component = FilePath.Component(text)
            else { continue }
            if entry.type == .directory {
                try collect(path.appending(component), depth: depth + 1, into: &files)
            } else if text.contains(".ko") {
                files[name(of: text)] = path.appending(component)
            }
        }
    }

    private static func entries(_ path: FilePath) throws(ColdStartError) -> [DirectoryEntry] {
        do throws(SystemError) { return try Directory(path).entries() } catch { throw .file("read", path, error.errno) }
    }

    private static func unpacked(_ path: FilePath) throws(ColdStartError) -> [UInt8] {
        switch path.extension {
        case "xz": try Tool.output(["xz", "-dc", path.string], limit: sizeLimit)
        case "zst": try Tool.output(["zstd", "-dcq", path.string], limit: sizeLimit)
        case "gz": try Tool.output(["gzip", "-dc", path.string], limit: sizeLimit)
        default: try readFile(path, limit: sizeLimit)
        }
    }
}

/// Reads a whole file of this machine.
func readFile(_ path: FilePath, limit: Int) throws(ColdStartError) -> [UInt8] {
    do throws(SystemError) {
        // A named pipe, which a project's file may name, has no bytes then.
        return try OwnedDescriptor(path, [.read, .nonBlocking]).readAll(limit: limit)
    } catch { throw .file("read", path, error.errno) }
}

/// Returns the size of a file of this machine in bytes.
func fileSize(_ path: FilePath) throws(ColdStartError) -> UInt64 {
    do throws(SystemError) {
        return UInt64(clamping: try OwnedDescriptor(path).size())
    } catch { throw .file("read", path, error.errno) }
}
