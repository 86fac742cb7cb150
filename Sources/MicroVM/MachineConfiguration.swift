internal import Linux
public import SystemPackage

/// What a machine is made of.
public struct MachineConfiguration: Sendable {
    /// How the guest sees a disk.
    public enum Attachment: Sendable, Equatable {
        /// As `/dev/vda`: every kernel can read it.
        case block
        /// As memory that cannot be written, `/dev/pmem0`: no exits, and the host's page cache is the guest's.
        case memory
    }

    /// An ELF file or a bzImage.
    public var kernel: FilePath
    /// Where a compressed kernel is kept unpacked for the next time.
    public var kernelCache: FilePath
    /// What the kernel is told; it is not the entrypoint's.
    public var commandLine: [String]
    /// The first root file system, as cpio.
    public var initramfs: [UInt8]
    /// RAM, a multiple of 4 KiB.
    public var memoryBytes: UInt64
    /// From 1 to 8.
    public var processors: Int
    /// A disk that is only read.
    public var root: FilePath?
    /// How it is shown.
    public var rootAttachment: Attachment
    /// The UNIX socket through which programs of the host reach ports of the guest, by the convention of Firecracker. It
    /// is made, and its name stays when the machine is over.
    public var vsock: FilePath?
    /// A connected socket at whose other end a `passt` carries the guest's network; the machine duplicates it.
    public var network: Int32?

    /// Files that are open already, in place of those at the paths.
    var descriptors = Descriptors()

    /// Numbers of open descriptors; the machine closes them.
    struct Descriptors {
        var kvm: Int32?
        var kernel: Int32?
        var root: Int32?
        /// A socket that listens.
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
        rootAttachment = .block
        vsock = nil
        network = nil
    }

    /// What the network card is called by others; locally administered, for there is never another on its wire.
    public static let cardAddress: [UInt8] = [0x02, 0x74, 0x68, 0x61, 0x77, 0x01]

    /// Where the disk is that is memory: above all RAM.
    var persistentStart: UInt64 {
        let large: UInt64 = 2 << 20
        let end = GuestMemory.parts(ofRAM: memoryBytes).last?.upperBound ?? 0
        return (max(end, GuestMemory.highStart) + large - 1) / large * large
    }

    /// The most processors that a machine has.
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
        // Whoever opened it has unpacked what can be unpacked.
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
