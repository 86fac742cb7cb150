internal import Guest
internal import Linux
internal import SystemPackage

/// The boot files of a machine besides its disk.
struct BootFiles {
    let scenario: Scenario
    let kernel: Kernel
    let initialProgram: FilePath
    let root: RootDevice
    let channel: Channel
    /// The cache for the modules; without one they are read for each start.
    var cache: FilePath?
    var pausePoint = BootSpec.PausePoint.never
    var network: BootSpec.NetworkCard?
    /// The ports that the host may reach once the probe has passed; this needs the doorbell machine's sockets.
    var proxiedPorts: [UInt16] = []

    /// The channel for init's messages.
    enum Channel {
        case serial
        case doorbell

        var name: String { self == .serial ? "/dev/ttyS1" : String(describing: Doorbell.channel) }
    }

    /// The device type of the guest's disk.
    enum RootDevice {
        case virtio
        case memory

        var device: String { self == .virtio ? "/dev/vda" : "/dev/pmem0" }

        /// The modules that Debian's kernel needs for such a disk.
        var modules: [String] { self == .virtio ? ["virtio_mmio", "virtio_blk"] : ["nd_pmem", "nd_e820"] }
    }

    /// Writes the archive to a file without a name, which the kernel removes in any case.
    func makeInitramfs() throws(ColdStartError) -> OwnedDescriptor {
        let bytes = try archive()
        do throws(SystemError) {
            let file = try OwnedDescriptor.unnamed()
            try file.write(bytes)
            return file
        } catch { throw .file(error.operation, error.path, error.errno) }
    }

    func archive() throws(ColdStartError) -> [UInt8] {
        var spec = BootSpec(scenario, in: .machine, channel: channel.name)
        spec.rootDevice = Array(root.device.utf8)
        spec.pausePoint = pausePoint
        spec.network = network
        spec.proxiedPorts = proxiedPorts
        let modules = try moduleArchive()
        spec.modules = modules.early.map { Array($0.utf8) }
        spec.lateModules = modules.late.map { Array($0.utf8) }
        var archive = modules.archive
        archive.addFile("init", try readFile(initialProgram, limit: 64 << 20), mode: 0o755)
        archive.addFile("orders", spec.encode(), mode: 0o600)
        return archive.finished()
    }

    /// Returns the beginning of the archive, kept for this kernel and this kind of machine.
    private func moduleArchive() throws(ColdStartError) -> ModuleArchive {
        let needs = [network == nil ? nil : "network", proxiedPorts.isEmpty ? nil : "ports"].compactMap(\.self)
        let kind = (["modules", "\(root)", "\(channel)"] + needs).joined(separator: "-")
        // Modules that appear later would not change the kernel's file.
        let store = kernel.modules == nil ? nil : cache.map { StartCache($0) }
        let bytes = store?.kept(kind, of: kernel.image, limit: ModuleArchive.limit)
        if let kept = bytes.flatMap({ ModuleArchive(kept: $0) }) { return kept }
        let modules = try modules()
        let made = ModuleArchive(early: modules.early, late: modules.late)
        if let bytes = made.kept, bytes.count <= ModuleArchive.limit { store?.keep(bytes, kind, of: kernel.image) }
        return made
    }

    /// Returns the modules to load before the entrypoint, and those to load after the probe has passed.
    ///
    /// Each module that a start waits for costs it milliseconds.
    private func modules() throws(ColdStartError) -> (early: [ModuleTree.Module], late: [ModuleTree.Module]) {
        guard let directory = kernel.modules else { return ([], []) }
        var early = root.modules + ["erofs", "overlay"]
        if channel == .doorbell { early.append("virtio_rng") }
        if network != nil { early.append("virtio_net") }
        let late = proxiedPorts.isEmpty ? [] : ["vmw_vsock_virtio_transport"]
        let tree = try ModuleTree(directory, release: kernel.release)
        let all = try tree.modules(early + late)
        let count = try tree.modules(early).count
        return (Array(all.prefix(count)), Array(all.dropFirst(count)))
    }
}
