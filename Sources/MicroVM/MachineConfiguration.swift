internal import Linux
public import SystemPackage

/// The parts of a machine.
public struct MachineConfiguration: Sendable {
    /// The way that a guest sees a disk.
    public enum DiskInterface: Sendable, Equatable {
        /// As `/dev/vda`: every kernel can read it.
        case block
        /// `/dev/pmem0`, memory that can't be written: no exits, and the host's page cache is the guest's.
        case memory
    }

    /// An ELF file or a bzImage.
    public var kernel: FilePath
    /// The directory where a compressed kernel is kept unpacked for later boots.
    public var kernelCache: FilePath
    /// The kernel's command line; it is not the entrypoint's.
    public var commandLine: [String]
    /// The initramfs, a cpio archive.
    public var initramfs: [UInt8]
    /// The size of RAM in bytes, a multiple of 4 KiB.
    public var memoryBytes: UInt64
    /// The number of processors, from 1 to 8.
    public var processors: Int
    /// A read-only disk.
    public var root: FilePath?
    /// The way that the guest sees the disk.
    public var rootInterface: DiskInterface
    /// The UNIX socket through which programs of the host reach ports of the guest (Firecracker's convention).
    ///
    /// The machine creates it, and its file stays after the machine's end.
    public var vsock: FilePath?
    /// A connected socket with `passt` at the other end, for the guest's network; the machine duplicates it.
    public var network: Int32?

    /// Files that are open already, instead of those at the paths.
    var descriptors = Descriptors()

    /// Numbers of open descriptors; the machine closes them.
    struct Descriptors {
        var kvm: Int32?
        var kernel: Int32?
        var root: Int32?
        /// A listening socket.
        var vsock: Int32?
    }

    /// A machine without disk, sockets and network.
    public init(
        kernel: FilePath, kernelCache: FilePath, commandLine: [String], initramfs: [UInt8], memoryBytes: UInt64,
        processors: Int = 1
    ) {
        self.kernel = kernel
        self.kernelCache = kernelCache
        self.commandLine = commandLine
        self.initramfs = initramfs
        self.memoryBytes = memoryBytes
        self.processors = processors
        root = nil
        rootInterface = .block
        vsock = nil
        network = nil
    }

    /// The MAC address of the network card; locally administered, since it has no neighbour on its link.
    public static let cardAddress: [UInt8] = [0x02, 0x74, 0x68, 0x61, 0x77, 0x01]

    /// The address of a disk that is mapped as memory: above all RAM.
    var persistentStart: UInt64 {
        let large: UInt64 = 2 << 20
        let end = GuestMemory.parts(ofRAM: memoryBytes).last?.upperBound ?? 0
        return (max(end, GuestMemory.highStart) + large - 1) / large * large
    }

    /// The maximum number of processors.
    public static let processorLimit = 8
}

// MARK: - Files

extension MachineConfiguration {
    func openKVM() throws(MachineError) -> KVM {
        guard let number = descriptors.kvm else { return try KVM() }
        return try KVM(OwnedDescriptor(owning: number))
    }

    func openKernel() throws(MachineError) -> KernelImage {
        guard let number = descriptors.kernel else { return try KernelImage(opening: kernel, cache: kernelCache) }
        // The process that opened it has unpacked it already, if it can be unpacked.
        return try KernelImage(KernelFile(OwnedDescriptor(owning: number), kernel), isUnpacked: false)
    }

    func openRoot() throws(MachineError) -> OwnedDescriptor? {
        if let number = descriptors.root { return OwnedDescriptor(owning: number) }
        guard let root else { return nil }
        return try openFile(root)
    }

    func makeVsock() throws(MachineError) -> VsockDevice? {
        if let number = descriptors.vsock { return try VsockDevice(listener: OwnedDescriptor(owning: number)) }
        guard let vsock else { return nil }
        return try VsockDevice(path: vsock)
    }
}
