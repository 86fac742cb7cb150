internal import Glibc
internal import Synchronization

/// Debian's `docker-registry` on a loopback port, with its storage in a directory that is removed with it.
public final class DockerRegistry: Sendable {
    /// The address, `127.0.0.1:PORT`.
    public let host: String
    /// The directory with its storage, and with `ca.crt` if it uses TLS.
    public let path: String
    private let port: Int
    /// The only account of a registry with login.
    public static let (user, password) = ("thaw", "sesame-open-7")

    /// bcrypt of ``password`` at the lowest cost.
    private static let account = "thaw:$2b$04$abcdefghijklmnopqrstuuqyoCSyLumM2XjU0x4g7.ckljP0S91hS"

    /// True if it is installed.
    public static var isInstalled: Bool { Program.exists("docker-registry") }

    /// Starts a registry, and returns when it listens.
    public init(tls: Bool = false, login: Bool = false) throws {
        path = "/var/tmp/thaw-registry.\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let port = try Self.freePort()
        host = "127.0.0.1:\(port)"
        try Program.shell("mkdir -m 700 '\(path)'")
        if tls { try Program.shell(Self.certificates, in: path) }
        if login { try Program.shell("echo '\(Self.account)' >htpasswd", in: path) }
        try Program.shell(
            "cat >config.yml <<'EOF'\n\(Self.configuration(port, path, tls: tls, login: login))\nEOF", in: path)
        _ = Self.ending
        self.port = port
        try start()
    }

    deinit { Self.end(path) }

    /// Kills it with SIGKILL, like the kernel's out-of-memory killer; its storage stays.
    public func crash() {
        guard let program = Self.running.withLock({ $0.removeValue(forKey: path) }) else { return }
        program.kill()
        _ = program.wait()
    }

    /// Starts it if it does not run, on the same port also after ``crash()``; returns when it listens.
    public func start() throws {
        try Self.running.withLock { running in
            if running[path] == nil {
                running[path] = try Program(["docker-registry", "serve", "config.yml"], in: path)
            }
        }
        for _ in 0..<1000 where !Self.answers(port) { usleep(10_000) }
        guard Self.answers(port) else {
            throw ProgramFailure(description: "docker-registry does not listen on \(host)")
        }
    }

    /// The running registries, by directory; registries that tests share end with the process.
    private static let running = Mutex<[String: Program]>([:])
    private static let ending = atexit { for path in DockerRegistry.running.withLock({ $0.keys }) { end(path) } }

    private static func end(_ path: String) {
        guard let program = running.withLock({ $0.removeValue(forKey: path) }) else { return }
        program.kill()
        _ = program.wait()
        // A failure leaves files in /var/tmp, but must not change the test's result.
        _ = try? Program.shell("rm -rf '\(path)'")
    }

    private static func configuration(_ port: Int, _ path: String, tls: Bool, login: Bool) -> String {
        var text = """
            version: 0.1
            log: { level: error, accesslog: { disabled: true } }
            storage: { filesystem: { rootdirectory: \(path)/storage }, delete: { enabled: true } }
            """
        let certificate = tls ? ", tls: { certificate: \(path)/keys/server.crt, key: \(path)/keys/server.key }" : ""
        text += "\nhttp: { addr: '127.0.0.1:\(port)', secret: x\(certificate) }"
        if login { text += "\nauth: { htpasswd: { realm: test, path: \(path)/htpasswd } }" }
        return text
    }

    /// The script that makes a CA, and its certificate for the loopback address.
    private static let certificates = """
        exec 2>/dev/null
        mkdir keys && cd keys
        key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req -x509 $key -keyout ca.key -out ca.crt -days 9 -subj /CN=thaw-test-ca
        openssl req $key -keyout server.key -out server.csr -subj /CN=127.0.0.1
        printf 'subjectAltName=IP:127.0.0.1\\n' >san
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 -extfile san -out server.crt
        cp ca.crt ..
        """

    /// Returns a port that is free now.
    private static func freePort() throws -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(socket, pointer, size) == 0 && getsockname(socket, pointer, &size) == 0
            }
        }
        guard isBound else { throw ProgramFailure(description: "no free port: error \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func answers(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = loopback(port)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
