internal import Linux
internal import MicroVM
internal import SystemPackage

/// The beginning of an initramfs: the directories and the modules of a kernel, which are the same for each start.
///
/// It is kept in the cache as text lines, an empty line and the archive. It is taken from there only if all files that
/// it was made of are unchanged.
struct ModuleArchive {
    /// The archive, without its end.
    private(set) var archive = Initramfs()
    /// The paths of the modules in the initramfs, in load order: to load before the entrypoint, and after the probe.
    private(set) var early: [String] = []
    private(set) var late: [String] = []
    /// The files of the modules.
    private var sources: [FilePath] = []

    /// The limit of a kept archive.
    static let limit = 64 << 20

    /// Makes the archive of these modules.
    init(early: [ModuleTree.Module], late: [ModuleTree.Module]) {
        archive.addDirectory("dev")
        archive.addCharacterDevice("dev/console", major: 5, minor: 1)
        archive.addDirectory("modules")
        self.early = early.map { add($0) }
        self.late = late.map { add($0) }
    }

    private mutating func add(_ module: ModuleTree.Module) -> String {
        let path = "modules/\(module.name).ko"
        archive.addFile(path, module.contents)
        sources.append(module.path)
        return "/\(path)"
    }

    /// Reads a kept archive; nil if a file has changed since.
    init?(kept bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\n\n".utf8)) else { return nil }
        var count: UInt32?
        for line in String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            switch (words.first, words.count) {
            case ("early", 2): early.append(words[1])
            case ("late", 2): late.append(words[1])
            case ("entries", 2): count = UInt32(words[1])
            case ("source", 3):
                guard Self.identity(FilePath(words[2])) == words[1] else { return nil }
            default: return nil
            }
        }
        guard let count else { return nil }
        archive = Initramfs(continuing: Array(bytes[end.upperBound...]), count: count)
    }

    /// The bytes to keep; nil if a file has no identity.
    var kept: [UInt8]? {
        var lines = early.map { "early \($0)" } + late.map { "late \($0)" } + ["entries \(archive.count)"]
        for source in sources {
            guard let identity = Self.identity(source) else { return nil }
            lines.append("source \(identity) \(source)")
        }
        return Array((lines.joined(separator: "\n") + "\n\n").utf8) + archive.bytes
    }

    private static func identity(_ path: FilePath) -> String? {
        try? OwnedDescriptor(path, [.read, .nonBlocking]).status().identity
    }
}
