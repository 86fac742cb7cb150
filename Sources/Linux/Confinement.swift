// A program of this machine in a process with minimal permissions: for programs that serve a hostile guest.

internal import CLinux
internal import Glibc
public import SystemPackage

/// The resources and permissions of a process, set before its program runs.
public struct Confinement: Sendable {
    /// Something in the program's own root directory.
    public enum RootEntry: Sendable, Hashable {
        /// A directory of this machine, read-only, under its own path.
        case directory(FilePath)
        /// A file of this machine, read-only, under a path in the new root.
        case file(FilePath, at: FilePath)
        /// A device node of this machine, under its own path.
        case device(FilePath)
        /// A symbolic link from the first path to the second.
        case link(FilePath, to: FilePath)
        /// A copy of an open file.
        case copy(Int32, at: FilePath)
        /// A new character device.
        case node(FilePath, major: UInt32, minor: UInt32)
    }

    /// A limit that the process cannot raise.
    public struct ResourceLimit: Sendable, Hashable {
        let resource: Int32
        let value: UInt64

        /// No core dumps.
        public static let noCore = ResourceLimit(resource: Int32(RLIMIT_CORE.rawValue), value: 0)

        /// Limits the size of files that the process writes.
        public static func fileSize(_ byteCount: UInt64) -> ResourceLimit {
            ResourceLimit(resource: Int32(RLIMIT_FSIZE.rawValue), value: byteCount)
        }

        /// Limits descriptors to numbers below `count`.
        public static func descriptors(_ count: UInt64) -> ResourceLimit {
            ResourceLimit(resource: Int32(RLIMIT_NOFILE.rawValue), value: count)
        }
    }

    /// True if the process gets mount, network, PID, IPC, host name and control group namespaces of its own.
    public var hasNamespaces = true
    /// The content of the program's root directory, in this order; nil for this machine's root.
    public var root: [RootEntry]?
    /// True if capabilities, user and groups are dropped before the program runs; else the program does it itself.
    public var givesUp = true
    /// The user of the program; nil for the user of this process.
    public var identity: SpareUser?
    /// True to keep supplementary groups, which may permit the use of a device.
    public var keepsGroups = false
    /// The limits of the process.
    public var resourceLimits: [ResourceLimit] = []
    /// Process lists of control groups, open for writing, into which the process writes itself.
    public var groups: [Int32] = []

    /// A process with namespaces of its own and this machine's files.
    public init() {}

    /// Starts a program, which is killed when the calling thread ends.
    ///
    /// - Parameters:
    ///   - program: A path in its root directory.
    ///   - words: Its arguments, the program's name first.
    ///   - descriptors: They become its descriptors 0, 1, 2 and so on; it has no others.
    /// - Returns: The PID; the caller must reap the process.
    public func start(
        _ program: FilePath, _ words: [String], environment: [String], descriptors: [Int32]
    ) throws(SystemError) -> Int32 {
        var (process, stage) = launch(
            program, words: words, environment: environment, descriptors: descriptors, groups: groups)
        // If a group accepts no more processes, start without its limits.
        if process < 0, Int(stage) == clinux_confine_groups {
            (process, stage) = launch(
                program, words: words, environment: environment, descriptors: descriptors, groups: [])
        }
        guard process >= 0 else { throw failure(at: stage, Errno(rawValue: Glibc.errno), program) }
        return process
    }

    private func launch(
        _ program: FilePath, words: [String], environment: [String], descriptors: [Int32], groups: [Int32]
    ) -> (process: Int32, stage: Int32) {
        let strings = CStrings()
        let places = unsafe (root ?? []).map { unsafe strings.place($0) }
        let limits = resourceLimits.map { clinux_ceiling(resource: $0.resource, value: $0.value) }
        var stage: Int32 = 0
        // Every buffer outlives the call, which returns once the program runs or has failed.
        let process = unsafe places.withUnsafeBufferPointer { places in
            unsafe limits.withUnsafeBufferPointer { limits in
                unsafe groups.withUnsafeBufferPointer { groups in
                    unsafe descriptors.withUnsafeBufferPointer { descriptors in
                        var all = unsafe clinux_confinement()
                        unsafe (all.places, all.place_count) = (places.baseAddress, places.count)
                        unsafe (all.ceilings, all.ceiling_count) = (limits.baseAddress, limits.count)
                        unsafe (all.groups, all.group_count) = (groups.baseAddress, groups.count)
                        unsafe (all.descriptors, all.descriptor_count) = (descriptors.baseAddress, descriptors.count)
                        unsafe all.program = unsafe UnsafePointer(strings.copy(program.string))
                        unsafe all.arguments = unsafe strings.vector(words)
                        unsafe all.environment = unsafe strings.vector(environment)
                        unsafe describe(&all)
                        return unsafe clinux_confine(&all, &stage)
                    }
                }
            }
        }
        // The pointers above belong to `strings`.
        withExtendedLifetime(strings) {}
        return (process, stage)
    }

    private func describe(_ all: inout clinux_confinement) {
        let namespaces =
            clinux_new_mounts | clinux_new_network | clinux_new_pid | clinux_new_ipc | clinux_new_uts
            | clinux_new_cgroup
        unsafe all.namespaces = hasNamespaces ? UInt64(namespaces) : 0
        unsafe all.has_root = root == nil ? 0 : 1
        unsafe all.gives_up = givesUp ? 1 : 0
        unsafe all.identity = clinux_identity(identity, keepsGroups: keepsGroups)
    }

    private func failure(at stage: Int32, _ errno: Errno, _ program: FilePath) -> SystemError {
        let (operation, path): (String, FilePath?) =
            switch Int(stage) {
            case clinux_confine_groups: ("enter a control group", nil)
            case clinux_confine_root: ("make a root directory", nil)
            case clinux_confine_identity: ("drop privileges", nil)
            case clinux_confine_descriptors: ("pass descriptors on", nil)
            case clinux_confine_program: ("run", program)
            default: ("start a confined process", nil)
            }
        return SystemError(operation, path, errno)
    }
}

extension clinux_identity {
    init(_ identity: SpareUser?, keepsGroups: Bool) {
        self.init()
        is_changed = identity == nil ? 0 : 1
        empties_groups = identity?.emptiesGroups == true && !keepsGroups ? 1 : 0
        user = identity?.user ?? 0
        group = identity?.group ?? 0
    }
}

/// C strings that exist as long as this object.
@safe private final class CStrings {
    private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
    private var vectors: [UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>] = unsafe []

    deinit {
        unsafe vectors.forEach { unsafe $0.deallocate() }
        unsafe strings.forEach { unsafe free($0) }
    }

    func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        guard let string = unsafe strdup(text) else { return nil }
        unsafe strings.append(string)
        return unsafe string
    }

    /// Makes a vector with a final NULL.
    func vector(_ words: [String]) -> UnsafePointer<UnsafeMutablePointer<CChar>?>? {
        let vector = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
        unsafe vector.initialize(repeating: nil)
        for (index, word) in words.enumerated() { unsafe vector[index] = unsafe copy(word) }
        unsafe vectors.append(vector)
        return unsafe UnsafePointer(vector.baseAddress)
    }

    func place(_ place: Confinement.RootEntry) -> clinux_place {
        switch place {
        case .directory(let path): return unsafe made(clinux_place_directory, path, at: path)
        case .file(let path, let name): return unsafe made(clinux_place_file, path, at: name)
        case .device(let path): return unsafe made(clinux_place_device, path, at: path)
        case .link(let name, let target): return unsafe made(clinux_place_link, target, at: name)
        case .copy(let descriptor, let name):
            var made = unsafe made(clinux_place_copy, nil, at: name)
            unsafe made.descriptor = descriptor
            return unsafe made
        case .node(let name, let major, let minor):
            var made = unsafe made(clinux_place_node, nil, at: name)
            unsafe made.device = clinux_makedev(major, minor)
            return unsafe made
        }
    }

    private func made(_ kind: Int, _ source: FilePath?, at name: FilePath) -> clinux_place {
        var place = unsafe clinux_place()
        unsafe place.kind = Int32(kind)
        unsafe place.descriptor = -1
        if let source { unsafe place.source = unsafe UnsafePointer(copy(source.string)) }
        // Names are relative to the new root, which is the working directory while it is made.
        unsafe place.name = unsafe UnsafePointer(copy(FilePath(root: nil, name.components).string))
        return unsafe place
    }
}

extension Confinement {
    /// Makes all files that are not yet open inaccessible to this process; it needs a mount namespace of its own.
    public static func leaveFiles() throws(SystemError) {
        try system("leave the root directory") { clinux_leave_files() }
    }

    /// Sets the name of this process in process lists.
    public static func setName(_ name: String) { unsafe clinux_set_name(name) }

    /// Sets limits for this process that it cannot raise again.
    public static func set(_ resourceLimits: [ResourceLimit]) throws(SystemError) {
        let limits = resourceLimits.map { clinux_ceiling(resource: $0.resource, value: $0.value) }
        try system("set limits") {
            unsafe limits.withUnsafeBufferPointer { unsafe clinux_set_ceilings($0.baseAddress, $0.count) }
        }
    }
}
