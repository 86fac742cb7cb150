// A network of the container's own, connected to the outside by `pasta`.
//
//     namespace: eth0 with the host's addresses ══ tap ══ pasta ── sockets of the host's namespace
//
// pasta sees the namespace, and writes its PID into a file that only it and this process see. It ends with the
// container, and with the thread that started it. Started by root of the machine, it is a user of the private range, and
// its capabilities are those of the range's user namespace: for the container's network, not for the machine's.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A network namespace and the process that carries its traffic.
final class IsolatedNetwork: Sendable {
    /// The address inside that forwards to a name server on the host's loopback.
    static let resolver = "169.254.1.1"
    private static let place = FilePath("/tmp")

    let namespace: OwnedDescriptor
    let kind: ContainerUsers.Kind
    private let carrier: OwnedDescriptor

    /// Makes the namespace and waits until it is connected.
    ///
    /// It is owned by the user namespace of `users`. For users of the machine that is the private range's, if there is
    /// one: root of the machine has all capabilities in it, and pasta needs none outside.
    ///
    /// - Parameter reachesHost: True if the gateway's address is this machine's loopback.
    init(_ users: ContainerUsers, reachesHost: Bool) throws {
        kind = users.kind
        let owner = users.namespace ?? PrivateUsers.expected(for: .separate).namespace
        namespace = OwnedDescriptor(
            owning: try system("make network namespace") { clinux_make_network(owner ?? -1) })
        let memory = Directory(
            owning: OwnedDescriptor(owning: try Mount.make("tmpfs", options: [("size", "1m")]).release()),
            path: Self.place)
        try memory.open("network", [.write, .create]).close()
        try memory.makeNode("ready", type: .fifo, mode: 0o600, major: 0, minor: 0)
        if owner != nil { try Self.makeFiles(in: memory) }
        let ready = try memory.open("ready", [.read, .nonBlocking])
        let messages = try memory.open("messages", [.readWrite, .create])
        carrier = try Self.start(
            reachesHost, owner: owner, namespace: namespace.rawValue, memory: memory, messages: messages.rawValue)
        guard try Self.isReady(ready, carrier) else {
            end()
            throw SandboxError.network(try Self.reason(messages))
        }
    }

    deinit {
        end()
    }

    /// True if pasta has exited, so the namespace has no connection.
    var hasEnded: Bool {
        var wait = pollfd(fd: carrier.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&wait, 1, 0) != 0
    }

    /// Returns a second descriptor of the process; the caller closes it.
    func carrierDescriptor() throws(SystemError) -> Int32 {
        try carrier.duplicate().release()
    }

    /// Kills the process; does nothing if it has already ended.
    func end() {
        clinux_pidfd_signal(carrier.rawValue, SIGKILL)
        var value: Int32 = 0
        _ = unsafe clinux_wait(carrier.rawValue, &value)
    }

    /// Makes a device node that its user may open, and lets it write its PID.
    private static func makeFiles(in memory: Directory) throws(SandboxError) {
        let user = PrivateUsers.outside(PrivateUsers.server)
        do throws(SystemError) {
            try memory.makeNode("tun", type: .characterDevice, mode: 0o600, major: 10, minor: 200)
            for name in ["tun", "ready"] as [FilePath] { try memory.setOwner(of: name, uid: user, gid: user) }
        } catch {
            // A container may deny device nodes to its root.
            throw .network("it has no tap device of its own: \(error)")
        }
    }

    private static func start(
        _ reachesHost: Bool, owner: Int32?, namespace: Int32, memory: Directory, messages: Int32
    ) throws -> OwnedDescriptor {
        guard let program = Network.pasta else { throw SandboxError.noIsolation }
        var script = SetupScript()
        script.beginInner()
        script.add(clinux_step_isolate_mounts, operation: "make mounts private", path: "/")
        script.add(clinux_step_attach, operation: "mount", path: place.string, descriptor: memory.descriptor.rawValue)
        script.add(
            clinux_step_mount, operation: "show network to pasta", path: place.appending("network").string,
            source: "/proc/self/fd/\(namespace)", descriptor: namespace, flags: UInt64(MS_BIND))
        if let owner { becomeServer(&script, in: owner) }
        let input = try OwnedDescriptor("/dev/null")
        let words =
            [program.string, "--foreground", "--quiet", "--config-net", "--dns-forward", resolver]
            + (owner == nil ? ["--runas", "0"] : [])
            + ["-t", "none", "-u", "none", "-T", "none", "-U", "none"] + (reachesHost ? [] : ["--no-map-gw"])
            + ["--pid", place.appending("ready").string, "--netns", place.appending("network").string]
        let launch = Launch(
            arguments: words, namespaces: UInt64(clinux_new_mounts), streams: (input.rawValue, messages, messages))
        let launched: Launched
        do {
            launched = try script.launch(launch)
        } catch let failure as LaunchFailure {
            throw failure.error
        }
        return launched.pidfd
    }

    /// Adds the steps that make pasta a user of the private range.
    ///
    /// Its capabilities: setpcap, net_bind_service, net_admin, sys_admin. It drops those that it doesn't need.
    private static func becomeServer(_ script: inout SetupScript, in users: Int32) {
        script.add(
            clinux_step_mount, operation: "show tap device to pasta", path: "/dev/net/tun",
            source: place.appending("tun").string, flags: UInt64(MS_BIND))
        script.add(clinux_step_groups, operation: "set groups", mode: 1, list: [PrivateUsers.serverGroup])
        script.add(
            clinux_step_join_namespace, operation: "enter user namespace", descriptor: users,
            flags: UInt64(clinux_new_users))
        let user = UInt64(PrivateUsers.server)
        script.add(
            clinux_step_keep_identity, operation: "become user of pasta",
            mode: 1 << 8 | 1 << 10 | 1 << 12 | 1 << 21, flags: user, more: user)
    }

    /// Waits until pasta writes its PID or exits, for at most 20 s; true if it wrote the PID.
    private static func isReady(_ ready: borrowing OwnedDescriptor, _ carrier: borrowing OwnedDescriptor) throws -> Bool
    {
        var waits = [ready.rawValue, carrier.rawValue].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        try system("wait for pasta") { unsafe poll(&waits, 2, 20_000) }
        return try waits[0].revents & Int16(POLLIN) != 0 && !ready.read(64).isEmpty
    }

    /// Returns pasta's last message, except the one that it has no system log.
    private static func reason(_ messages: borrowing OwnedDescriptor) throws -> String {
        let text = String(decoding: try messages.read(1 << 16, at: 0), as: UTF8.self)
        return text.split(separator: "\n").last { !$0.contains("syslog") }.map(String.init) ?? "it exited silently"
    }
}
