import Glibc
import Linux
import SystemPackage
import Testing

@testable import Sandbox

/// Networks of a container's own.
@Suite struct NetworkTests {
    @Test("An isolated network has the host's default route, and only its own loopback")
    func isolated() async throws {
        let fixture = try Fixture()
        try #require(Network.isIsolationAvailable, "pasta is missing: make deps installs Debian's passt")
        // The host's loopback must be unreachable, also through the gateway's address.
        let listener = try Listener()
        let script = """
            ip -o link | grep -c UP; ip route | grep -c ^default; cat /proc/net/tcp | wc -l
            echo x | nc -w 2 127.0.0.1 \(listener.port) || echo refused
            """
        let result = try await fixture.shell(script) { $0.network = .isolated }
        #expect(result.output == "2\n1\n1\nrefused\n", "\(result.error)")
        #expect(result.status == .exited(0))
    }

    @Test("An isolated container reaches this machine as host-gateway")
    func gateway() async throws {
        let fixture = try Fixture()
        let listener = try Listener()
        // A thread, not a task: other tests may delay tasks for longer than nc waits.
        WorkerThread.start { try? listener.answer("hello\n") }
        let result = try await fixture.shell("mkfifo /f; nc -w 30 host \(listener.port) <> /f") {
            $0.network = .isolated
            $0.hosts = [try HostEntry(name: "host", address: HostEntry.gateway)]
        }
        #expect(result.output == "hello\n", "\(result.error)")
    }

    @Test(
        "pasta is no user of this machine or of a container, and has no capabilities outside of containers",
        .enabled(if: geteuid() == 0, "only root has a private range to give"), arguments: Users.allCases)
    func server(users: Users) throws {
        try #require(Network.isIsolationAvailable, "pasta is missing: make deps installs Debian's passt")
        let network = try IsolatedNetwork(PrivateUsers.expected(for: users), reachesHost: false)
        defer { network.end() }
        let carrier = OwnedDescriptor(owning: try network.carrierDescriptor())
        let facts = try Self.text("/proc/self/fdinfo/\(carrier.rawValue)").split(separator: "\n")
        let process = try #require(facts.first { $0.hasPrefix("Pid:\t") }).dropFirst(5)
        let status = try Self.text("/proc/\(process)/status")
        #expect(status.contains("\nUid:\t3221225471\t3221225471\t3221225471\t3221225471\n"), "\(status)")
        let namespaces = try ["self", "\(process)"].map { name in
            try OwnedDescriptor(FilePath("/proc/\(name)/ns/user")).status().inode
        }
        #expect(namespaces[0] != namespaces[1])
    }

    private static func text(_ path: String) throws -> String {
        String(decoding: try OwnedDescriptor(FilePath(path)).readAll(limit: 1 << 16), as: UTF8.self)
    }

    @Test("The error of an isolated network has pasta's message")
    func failure() throws {
        #expect(
            SandboxError.network("No routable interface").description
                == "cannot give the container a network of its own: pasta failed: No routable interface")
    }

    @Test("Name servers on the host's loopback are replaced by reachable ones")
    func resolver() {
        let contents = { (network: Network, host: String, upstream: String?) in
            String(
                decoding: NameFiles.resolver(
                    network, host: Array(host.utf8), upstream: upstream.map { Array($0.utf8) }),
                as: UTF8.self)
        }
        let stub = "search lan\nnameserver 127.0.0.53\noptions edns0\n"
        #expect(contents(.host, stub, "nameserver 9.9.9.9\n") == stub)
        #expect(contents(.isolated, stub, "nameserver 9.9.9.9\n") == "nameserver 9.9.9.9\n")
        #expect(contents(.isolated, stub, nil) == "search lan\noptions edns0\nnameserver 169.254.1.1\n")
        #expect(contents(.isolated, "nameserver 127.0.0.1\nnameserver 8.8.8.8\n", nil) == "nameserver 8.8.8.8\n")
        #expect(contents(.isolated, "nameserver\t::1", nil) == "nameserver 169.254.1.1\n")
        #expect(contents(.isolated, "", nil) == "nameserver 169.254.1.1\n")
        #expect(!contents(.none, stub, nil).contains("nameserver"))
    }

    @Test("The gateway is read from the kernel's routes")
    func routes() {
        let table = "Iface Destination Gateway\neth0\t000200C0\t00000000\t1\neth0\t00000000\t010200C0\t3\n"
        #expect(Network.isolated.gateway(routes: Array(table.utf8)) == "192.0.2.1")
        #expect(Network.host.gateway(routes: Array(table.utf8)) == "127.0.0.1")
        #expect(Network.isolated.gateway(routes: []) == "127.0.0.1")
    }
}

/// A TCP server on this machine's loopback.
private final class Listener: Sendable {
    let socket: OwnedDescriptor
    let port: UInt16

    init() throws {
        let socket = OwnedDescriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.rawValue, $0, size) == 0 && listen(socket.rawValue, 4) == 0
                    && getsockname(socket.rawValue, $0, &size) == 0
            }
        }
        #expect(code)
        port = UInt16(bigEndian: address.sin_port)
        self.socket = socket
    }

    func answer(_ text: String) throws {
        let connection = OwnedDescriptor(owning: accept(socket.rawValue, nil, nil))
        try connection.write(Array(text.utf8))
    }
}
