internal import Glibc
internal import Linux
internal import Sandbox
internal import SystemPackage

/// The process in which one QEMU runs, and the paths of its files there.
///
/// ```
/// namespaces  a root of its own: this machine's libraries and QEMU's firmware, read-only, and the files of the boot;
///             no network, no other process; a user without files; no capabilities
/// bare        where namespaces are refused: this machine's files as they are, and QEMU's own filter of system calls
/// ```
struct QemuJail {
    private enum Kind { case namespaces, bare }

    /// The open files of a boot.
    struct Files {
        let kernel: Int32
        let initramfs: Int32
        let disk: Int32
        /// The pipe for frames of the guest and the firmware; `console` is the pipe for their text.
        let frames: Int32
        let console: Int32
        /// The pipe for QEMU's own messages; it is open as long as the process.
        let messages: Int32
    }

    /// The descriptor numbers in QEMU's process.
    enum QemuDescriptor {
        static let disk = 3
        static let frames = 4
        static let console = 5
        static let kernel = 6
        static let initramfs = 7
    }

    private let kind: Kind
    private let identity: SpareUser?
    private let isInitial: Bool

    /// Returns the jails to try, the strictest first.
    static func all() throws(SystemError) -> [QemuJail] {
        let map = try IDMap.current()
        let identity = try SpareUser.spare()
        return [Kind.namespaces, .bare].map { QemuJail(kind: $0, identity: identity, isInitial: map.isInitial) }
    }

    /// QEMU's paths of the kernel, the initramfs, and the disk that it copies into memory.
    var paths: (kernel: String, initramfs: String, disk: String) {
        switch kind {
        case .namespaces: ("/kernel", "/initramfs", "/disk")
        case .bare:
            (
                "/dev/fd/\(QemuDescriptor.kernel)", "/dev/fd/\(QemuDescriptor.initramfs)",
                "/dev/fd/\(QemuDescriptor.disk)"
            )
        }
    }

    /// Starts QEMU; call it on a thread that exists as long as QEMU.
    func start(
        _ command: QemuCommand, _ files: Files, sources: QemuSources, group: ProcessGroup?
    ) throws(SystemError) -> ChildProcess {
        let program = try resolved(FilePath(command.program))
        var confinement = Confinement()
        confinement.hasNamespaces = kind == .namespaces
        confinement.root =
            kind == .namespaces ? try places(program, files, sources: sources, acceleration: command.acceleration) : nil
        // Reopening a file through /dev/fd needs the rights of the user who opened it.
        confinement.identity = kind == .namespaces ? identity : nil
        confinement.keepsGroups = !isInitial
        confinement.resourceLimits = [.noCore, .fileSize(0), .descriptors(1024)]
        confinement.groups = group?.lists ?? []
        return ChildProcess(
            try confinement.start(
                program, command.arguments, environment: ["PATH=/usr/bin:/bin"], descriptors: try descriptors(files)))
    }

    private func descriptors(_ files: Files) throws(SystemError) -> [Int32] {
        let named = [files.frames, files.console]
        let opened = kind == .bare ? [files.kernel, files.initramfs] : []
        // 0, 1 and 2 are QEMU's own streams; it reads nothing, and writes only messages.
        return [files.messages, files.messages, files.messages, files.disk] + named + opened
    }

    // MARK: The root directory

    private static let libraries = [
        "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/opt", "/nix", "/gnu",
    ]

    private func places(
        _ program: FilePath, _ files: Files, sources: QemuSources, acceleration: QemuCommand.Acceleration
    ) throws(SystemError) -> [Confinement.RootEntry] {
        var places: [Confinement.RootEntry] = []
        for path in QemuJail.libraries {
            if let library = try QemuJail.library(FilePath(path)) { places.append(library) }
        }
        if !QemuJail.libraries.contains(where: { program.starts(with: FilePath($0)) }) {
            // QEMU searches for its firmware in ../share of its own directory.
            places.append(.directory(program.removingLastComponent().removingLastComponent()))
        }
        if isAccessible("/etc/ld.so.cache", R_OK) { places.append(.file("/etc/ld.so.cache", at: "/etc/ld.so.cache")) }
        places += [.device("/dev/null"), .device("/dev/urandom")]
        places.append(try file(sources.kernel, files.kernel, at: "/kernel"))
        places.append(.copy(files.initramfs, at: "/initramfs"))
        if acceleration.isCounted { places.append(try file(sources.disk, files.disk, at: "/disk")) }
        if acceleration == .kvm {
            // Only the host's root can make device nodes.
            places.append(isInitial ? .node("/dev/kvm", major: 10, minor: 232) : .device("/dev/kvm"))
        }
        return places
    }

    private static func library(_ path: FilePath) throws(SystemError) -> Confinement.RootEntry? {
        do throws(SystemError) {
            let (parent, name) = (try Directory("/"), FilePath(root: nil, path.components))
            switch try parent.status(of: name).type {
            case .directory: return .directory(path)
            case .symbolicLink:
                return .link(path, to: FilePath(String(decoding: try parent.target(ofLink: name), as: UTF8.self)))
            default: return nil
            }
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    /// Shows the file itself if it is world-readable, else a copy; no access rights are changed.
    private func file(
        _ path: FilePath, _ descriptor: Int32, at place: FilePath
    ) throws(SystemError) -> Confinement.RootEntry {
        var status = stat()
        try system("get the status of", path) { unsafe fstat(descriptor, &status) }
        let isReadable = status.st_mode & S_IROTH != 0
        return isReadable ? .file(try resolved(path), at: place) : .copy(descriptor, at: place)
    }

    private func resolved(_ path: FilePath) throws(SystemError) -> FilePath {
        guard let text = unsafe realpath(path.string, nil) else {
            throw SystemError("find", path, Errno(rawValue: errno))
        }
        defer { unsafe free(text) }
        return unsafe FilePath(String(cString: text))
    }
}

/// The paths of a boot's files.
struct QemuSources {
    let kernel: FilePath
    let disk: FilePath
}
