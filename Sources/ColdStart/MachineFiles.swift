internal import Guest
internal import Linux
internal import SystemPackage

/// What a machine boots from besides its disk.
struct MachineFiles {
    let scenario: Scenario
    let kernel: Kernel
    let initialProgram: FilePath
    let root: Root
    let channel: Channel
    var hold = Orders.Hold.never
    var network: Orders.Network?
    /// What the host may reach once the probe has passed; only a machine with a doorbell has sockets for that.
    var proxiedPorts: [UInt16] = []

    /// How init tells the host what happens.
    enum Channel {
        case serial
        case doorbell

        var name: String { self == .serial ? "/dev/ttyS1" : String(describing: Doorbell.channel) }
    }

    /// What the guest sees its disk as.
    enum Root {
        case virtio
        case memory

        var device: String { self == .virtio ? "/dev/vda" : "/dev/pmem0" }

        /// The modules without which Debian's kernel sees no such disk.
        var modules: [String] { self == .virtio ? ["virtio_mmio", "virtio_blk"] : ["nd_pmem", "nd_e820"] }
    }

    /// The archive in a file that has no name any more, so that nothing is left whatever happens.
    func makeInitramfs() throws(ColdStartError) -> OwnedDescriptor {
        let bytes = try archive()
        do throws(SystemError) {
            let file = try OwnedDescriptor.unnamed()
            try file.write(bytes)
            return file
        } catch { throw .file(error.operation, error.path, error.errno) }
    }

    func archive() throws(ColdStartError) -> [UInt8] {
        var orders = Orders(scenario, in: .machine, channel: channel.name)
        orders.rootDevice = Array(root.device.utf8)
        orders.hold = hold
        orders.network = network
        orders.proxiedPorts = proxiedPorts
        var archive = Initramfs()
        archive.addDirectory("dev")
        archive.addCharacterDevice("dev/console", major: 5, minor: 1)
        archive.addDirectory("modules")
        let modules = try modules()
        orders.modules = modules.early.map { archive.addModule($0) }
        orders.lateModules = modules.late.map { archive.addModule($0) }
        archive.addFile("init", try readFile(initialProgram, limit: 64 << 20), mode: 0o755)
        archive.addFile("orders", orders.encode(), mode: 0o600)
        return archive.finished()
    }

    /// What must be there before the entrypoint, and what is loaded after the probe has passed: each module that a
    /// start waits for costs it milliseconds.
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
    /// Adds a module, and gives the path that init loads it from.
    fileprivate mutating func addModule(_ module: ModuleTree.Module) -> [UInt8] {
        let path = "modules/\(module.name).ko"
        addFile(path, module.contents)
        return Array("/\(path)".utf8)
    }
}
