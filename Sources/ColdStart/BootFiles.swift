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
        var archive = Initramfs()
        archive.addDirectory("dev")
        archive.addCharacterDevice("dev/console", major: 5, minor: 1)
        archive.addDirectory("modules")
        let modules = try modules()
        spec.modules = modules.early.map { archive.addModule($0) }
        spec.lateModules = modules.late.map { archive.addModule($0) }
        archive.addFile("init", try readFile(initialProgram, limit: 64 << 20), mode: 0o755)
        archive.addFile("orders", spec.encode(), mode: 0o600)
        return archive.finished()
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

extension Initramfs {
    /// Adds a module, and returns the path from which init loads it.
    fileprivate mutating func addModule(_ module: ModuleTree.Module) -> [UInt8] {
        let path = "modules/\(module.name).ko"
        addFile(path, module.contents)
        return Array("/\(path)".utf8)
    }
}
