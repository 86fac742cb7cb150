internal import Linux
internal import MicroVM
internal import SystemPackage

/// The resources of one machine while it runs: a socket to its ports, and the program for its network.
struct MachineResources: ~Copyable {
    private let directory: Directory
    private let name: FilePath
    private let passt: Passt?

    /// Chooses a socket path in `scratch`, and starts the program for the network.
    ///
    /// Call it on a thread that exists as long as the machine.
    init(in scratch: FilePath, _ network: MachineNetwork) throws(ColdStartError) {
        self.init(try MachineResources.open(scratch), network == .outbound ? try Passt.start() : nil)
    }

    private init(_ directory: Directory, _ passt: consuming Passt?) {
        self.directory = directory
        self.passt = passt
        name = FilePath("vsock.\(UInt32.random(in: 0 ... .max))")
    }

    private static func open(_ path: FilePath) throws(ColdStartError) -> Directory {
        do throws(SystemError) { return try Directory(path) } catch {
            throw .file(error.operation, error.path, error.errno)
        }
    }

    deinit { try? directory.removeTree(name) }

    /// The machine's socket, by a path that is short wherever the directory is.
    var socket: FilePath {
        FilePath("/proc/self/fd/\(directory.descriptor.rawValue)").appending(name.components)
    }

    /// Returns the configuration with these resources.
    func complete(_ configuration: MachineConfiguration) -> MachineConfiguration {
        var configuration = configuration
        configuration.vsock = socket
        switch passt {
        case .some(let passt): configuration.network = passt.socket
        case .none: configuration.network = nil
        }
        return configuration
    }
}
