internal import CKVM
internal import Glibc
internal import Linux
internal import Synchronization
public import SystemPackage

/// The start parameters of a machine's process.
public struct MachineJail: Sendable {
    /// A program that calls ``MachineServer/runIfRequested()`` first: this one, except in tests.
    public var program: FilePath
    /// The `cgroup.procs` files of control groups, open for writing, which the process enters.
    public var groups: [Int32]

    /// A jail.
    public init(program: FilePath = "/proc/self/exe", groups: [Int32] = []) {
        (self.program, self.groups) = (program, groups)
    }
}

/// The open files of a machine's process.
final class MachineDescriptors {
    let kvm: OwnedDescriptor
    let source: OwnedDescriptor
    private var others: [(kind: MachinePlan.OptionalDescriptors, file: Opened)] = []

    private final class Opened {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    init(
        _ configuration: MachineConfiguration, source: consuming OwnedDescriptor, snapshot: SnapshotTarget?
    ) throws(MachineError) {
        kvm = try KVM.open("/dev/kvm")
        self.source = source
        if !configuration.initramfs.isEmpty { add(.initramfs, try MachineDescriptors.file(configuration.initramfs)) }
        if let root = try configuration.openRoot() { add(.root, root) }
        if let path = configuration.vsock { add(.vsock, try HostSocket.listen(at: path).duplicate()) }
        if let network = configuration.network { add(.network, try MachineDescriptors.duplicate(network)) }
        if let snapshot { add(.snapshot, try MachineDescriptors.duplicate(snapshot.file.rawValue)) }
    }

    private func add(_ kind: MachinePlan.OptionalDescriptors, _ file: consuming OwnedDescriptor) {
        others.append((kind, Opened(file)))
    }

    private static func duplicate(_ number: Int32) throws(MachineError) -> OwnedDescriptor {
        try OwnedDescriptor(made: fcntl(number, F_DUPFD_CLOEXEC, 0), "duplicate a descriptor")
    }

    /// A file in memory.
    private static func file(_ bytes: [UInt8]) throws(MachineError) -> OwnedDescriptor {
        let file = try OwnedDescriptor(made: ckvm_memory_file(), "make a file in memory")
        do throws(SystemError) { try unsafe file.write(bytes.span.bytes, at: 0) } catch {
            throw .host(error.operation, nil, error.errno)
        }
        return file
    }

    var optional: MachinePlan.OptionalDescriptors { MachinePlan.OptionalDescriptors(others.map(\.kind)) }

    /// The descriptor numbers after the channels', in the order of the plan.
    var numbers: [Int32] { [kvm.rawValue, source.rawValue] + others.map { $0.file.descriptor.rawValue } }
}

/// A machine's process and the channels to it.
final class MachineConnection: Sendable {
    let process: Int32
    private let control: MessageChannel
    private let doorbell: MessageChannel
    /// The process's stderr.
    private let stderr: MessageChannel
    private let isReaped = Mutex(false)

    /// Starts the process in the strictest jail that this host supports, and sends it the plan.
    init(
        _ jail: MachineJail, files: MachineDescriptors, _ configuration: MachineConfiguration, isRestored: Bool
    ) throws(MachineError) {
        let channels = [try MessageChannel.pair(), try MessageChannel.pair(), try MessageChannel.pair()]
        let theirs = channels.map { $0.theirs.descriptor.rawValue } + files.numbers
        var plan = MachinePlan(
            isRestored: isRestored, hasNamespaces: true, identity: try MachineConnection.identity(),
            optional: files.optional, isRootMemory: configuration.rootInterface == .memory,
            memoryBytes: configuration.memoryBytes, processors: configuration.processors,
            commandLine: Array(configuration.commandLine.joined(separator: " ").utf8))
        (process, plan.hasNamespaces) = try MachineConnection.start(plan, in: jail, descriptors: theirs)
        // Keeps them open until here: their numbers are used above, and the process now has copies.
        withExtendedLifetime((files, channels)) {}
        (control, doorbell, stderr) = (channels[0].ours, channels[1].ours, channels[2].ours)
        send(.make(plan))
    }

    private static func identity() throws(MachineError) -> SpareUser? {
        do throws(SystemError) { return try SpareUser.spare() } catch {
            throw .host(error.operation, error.path, error.errno)
        }
    }

    /// Starts the process in namespaces of its own if this host allows them, else without.
    private static func start(
        _ plan: MachinePlan, in jail: MachineJail, descriptors: [Int32]
    ) throws(MachineError) -> (Int32, hasNamespaces: Bool) {
        var confinement = Confinement()
        // The program isn't readable for the user that it switches to, so it makes the switch itself.
        confinement.givesUp = false
        let largest = plan.optional.contains(.snapshot) ? plan.memoryBytes + SnapshotFile.largestState : 0
        confinement.resourceLimits = [.noCore, .fileSize(largest), .descriptors(1024)]
        confinement.groups = jail.groups
        var failure = SystemError("start the machine's process", nil, .notPermitted)
        for hasNamespaces in [true, false] {
            confinement.hasNamespaces = hasNamespaces
            do throws(SystemError) {
                let process = try confinement.start(
                    jail.program, [MachineServer.name], environment: libraries, descriptors: descriptors)
                return (process, hasNamespaces)
            } catch { failure = error }
        }
        throw .host(failure.operation, failure.path, failure.errno)
    }

    /// The `LD_LIBRARY_PATH` for the program, if it is set.
    private static var libraries: [String] {
        guard let path = unsafe getenv("LD_LIBRARY_PATH") else { return [] }
        return unsafe ["LD_LIBRARY_PATH=\(String(cString: path))"]
    }

    /// Sends a request to the process; does nothing if the process is gone.
    func send(_ request: MachineRequest) { _ = control.send(request.bytes) }

    /// Passes on the process's messages until it ends or sends an invalid one.
    ///
    /// Both channels close at once when it ends, and its last messages are still to be read.
    func listen(onReply: (MachineReply) -> Void, onRing: (DoorbellRing) -> DoorbellResponse) {
        var watches = [control.descriptor.rawValue, doorbell.descriptor.rawValue].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while unsafe poll(&watches, 2, -1) >= 0 || errno == EINTR {
            if watches[0].revents != 0 {
                guard let reply = control.receive().flatMap(MachineReply.init) else { return }
                onReply(reply)
            }
            if watches[1].revents != 0 {
                if let message = doorbell.receive() {
                    guard let doorbell = DoorbellRing(message), self.doorbell.send(onRing(doorbell).bytes) else {
                        return
                    }
                } else {
                    watches[1].fd = -1
                }
            }
            for index in watches.indices { watches[index].revents = 0 }
        }
    }

    /// Ends the process at once.
    func kill() {
        isReaped.withLock { isReaped in
            // Until it is reaped, the process keeps its number.
            if !isReaped { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    /// Ends the process, and describes its end.
    func reap() -> String {
        kill()
        let end = isReaped.withLock { isReaped in
            isReaped = true
            return Spawn.wait(process)
        }
        let words = stderrTail()
        let how = if case .signalled(let signal) = end, signal != SIGKILL { " by signal \(signal)" } else { "" }
        return "the machine's process ended\(how)\(words.isEmpty ? "" : ": \(words)")"
    }

    /// The last line of its stderr, without control characters.
    private func stderrTail() -> String {
        var bytes: [UInt8] = []
        // The process has ended, so this loop ends.
        while bytes.count < 4096, let piece = stderr.receive() { bytes += piece }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let line = lines.last.map { $0.filter { (0x20..<0x7F).contains($0) } } ?? []
        return String(decoding: line, as: UTF8.self)
    }
}
