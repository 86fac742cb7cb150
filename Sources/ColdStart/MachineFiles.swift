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
        var archive = Initramfs()
        archive.addDirectory("dev")
        archive.addCharacterDevice("dev/console", major: 5, minor: 1)
        archive.addDirectory("modules")
        for module in try modules() {
            let path = "modules/\(module.name).ko"
            archive.addFile(path, module.contents)
            orders.modules.append(Array("/\(path)".utf8))
        }
        archive.addFile("init", try readFile(initialProgram, limit: 64 << 20), mode: 0o755)
        archive.addFile("orders", orders.encode(), mode: 0o600)
        return archive.finished()
    }

    private func modules() throws(ColdStartError) -> [ModuleTree.Module] {
        guard let directory = kernel.modules else { return [] }
        return try ModuleTree(directory, release: kernel.release).modules(root.modules + ["erofs", "overlay"])
    }
}
