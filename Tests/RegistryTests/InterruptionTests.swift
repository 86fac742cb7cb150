import Glibc
import HTTP
import Harness
import OCI
import Registry
import Support
import Synchronization
import SystemPackage
import Testing

/// Interruptions of a transfer, and the state after them.
@Suite struct InterruptionTests {
    let space: Workspace

    init() throws { space = try Workspace() }

    /// An action that runs once, after that many bytes were transferred.
    private final class Trigger: Sendable {
        private let left: Mutex<Int>
        private let act: @Sendable () -> Void

        init(after bytes: Int, _ act: @escaping @Sendable () -> Void) {
            left = Mutex(bytes)
            self.act = act
        }

        func take(_ event: TransferEvent) {
            guard case .moved(_, let bytes) = event else { return }
            let isDue = left.withLock { left in
                defer { left -= bytes }
                return left > 0 && left <= bytes
            }
            if isDue { act() }
        }
    }

    @Test("A push to a registry that is killed and restarted during it is completed", Shared.isInstalled)
    func push() async throws {
        let registry = try DockerRegistry()
        let image = try space.sample([6_000_000, 1000])
        let log = Log()
        let trigger = Trigger(after: 3_000_000) {
            registry.crash()
            // If it does not start, the push fails.
            try? registry.start()
        }
        let client = try RegistryClient(configuration { $0.retry.tries = 100 }) { event in
            log.add(event)
            trigger.take(event)
        }
        let name = try Shared.reference("killed", at: registry)
        try await client.push(image, to: name)
        #expect(!log.retries.isEmpty)
        let other = try Store(at: space.path.appending("other"))
        try await RegistryClient(configuration()).pull(name, into: other).validate()
    }

    @Test("A pull waits for a registry that is down for a while", Shared.isInstalled)
    func pull() async throws {
        let registry = try DockerRegistry()
        let image = try space.sample([6_000_000, 5_000_000, 1000])
        let name = try Shared.reference("away", at: registry)
        try await RegistryClient(configuration()).push(image, to: name)
        let log = Log()
        let trigger = Trigger(after: 3_000_000) { registry.crash() }
        let client = try RegistryClient(configuration { $0.retry.tries = 100 }) { event in
            log.add(event)
            trigger.take(event)
            guard case .retrying(let reason, _) = event, reason.contains("no server accepts") else { return }
            // If it does not start, the pull fails.
            try? registry.start()
        }
        let other = try Store(at: space.path.appending("other"))
        try await client.pull(name, into: other).validate()
        #expect(log.retries.contains { $0.contains("no server accepts") })
    }

    @Test("TLS to a registry passes through CONNECT, and the proxy sees no credentials", Shared.isInstalled)
    func tunnel() async throws {
        let registry = try DockerRegistry(tls: true, login: true)
        let proxy = try FakeProxy(.connect)
        let file = try space.write(
            "auth.json",
            #"{"auths":{"\#(registry.host)":{"username":"\#(DockerRegistry.user)","password":"\#(DockerRegistry.password)"}}}"#
        )
        let client = try RegistryClient(
            configuration { configuration in
                configuration.http.proxy = .address("http://127.0.0.1:\(proxy.port)")
                configuration.certificates = [FilePath(registry.path)]
                configuration.credentials = [file]
            })
        let image = try space.sample([2_000_000])
        let name = try Shared.reference("tunnel", at: registry)
        try await client.push(image, to: name)
        let other = try Store(at: space.path.appending("other"))
        try await client.pull(name, into: other).validate()
        #expect(!proxy.asked.isEmpty)
        #expect(proxy.asked.allSatisfy { $0.hasPrefix("CONNECT \(registry.host) ") })
        #expect(proxy.asked.allSatisfy { !$0.lowercased().contains("\nauthorization") })
    }
}

/// The same with the command line.
@Suite struct CommandTests {
    let (space, directory): (Workspace, TestDirectory)

    init() throws { (space, directory) = (try Workspace(), try TestDirectory()) }

    @Test("Tags and repositories are listed, and a deleted image no longer exists", Shared.isInstalled)
    func listings() throws {
        let registry = try DockerRegistry()
        let image = try space.sample([1000])
        let layout = "oci:\(space.store.path):\(try Reference("sample").description)"
        try space.store.publish(image, as: try Reference("sample"))
        for tag in ["1", "2"] { try directory.succeed("copy", layout, "docker://\(registry.host)/team/app:\(tag)") }
        for name in ["\(registry.host)/team/app", "docker://\(registry.host)/team/app"] {
            #expect(try directory.succeed("list-tags", name).split(separator: "\n").sorted() == ["1", "2"])
        }
        #expect(try directory.succeed("catalog", registry.host) == "team/app")
        #expect(try directory.document("catalog", "--format", "json", registry.host)["repositories"].list.count == 1)
        #expect(try directory.succeed("referrers", "\(registry.host)/team/app:1") == "")
        #expect(try directory.succeed("delete", "\(registry.host)/team/app:1") == "\(image.descriptor.digest)")
        let again = try directory.thaw("delete", "\(registry.host)/team/app:1")
        #expect(again.status == 1)
        #expect(again.error.hasPrefix("thaw: cannot pull \(registry.host)/team/app:1: not found in the registry"))
        #expect(try directory.thaw("list-tags", "\(registry.host)/none").status == 1)
    }

    @Test("Ctrl-C in a pull is status 130 and one sentence; no name is set, and the next pull is complete")
    func interrupt() throws {
        let image = try space.sample([2_000_000, 3_000_000])
        let path = "/v2/app/blobs/\(image.layers[1].descriptor.digest)"
        let registry = try FakeRegistry { exchange, count in
            guard exchange.request.path == path, count == 1 else { return false }
            try exchange.head(200, length: Int(image.layers[1].descriptor.size))
            try exchange.write(Array(image.source.bytes(image.layers[1].descriptor).prefix(1_000_000)))
            // Returns when the client disconnects.
            _ = try exchange.beginning(ofBody: 1)
            return true
        }
        try registry.add(image)
        let words = ["pull", "--progress", "quiet", "\(try registry.reference())"]
        let program = try directory.start(words)
        let deadline = ContinuousClock.now + .seconds(60)
        while registry.count("GET \(path)") == 0, ContinuousClock.now < deadline { usleep(10_000) }
        program.signal(SIGINT)
        let outcome = program.wait()
        #expect(outcome.status == 130)
        #expect(outcome.error == "\nthaw: interrupted; nothing half-written was kept\n")
        #expect(try directory.succeed("images") == "")
        #expect(
            try Program.shell("ls blobs/sha256", in: directory.store).contains(image.layers[1].descriptor.digest.hex)
                == false)
        #expect(try directory.start(words).wait().status == 0)
        #expect(
            try directory.succeed("inspect", "--verify", "\(try registry.reference())").contains(
                image.descriptor.digest.hex))
        try directory.succeed("prune")
        #expect(try Program.shell("ls thaw/ingest", in: directory.store) == "")
    }

    @Test("A full disk in a pull is one sentence; complete layers remain and are not pulled again", Self.canMount)
    func fullDisk() throws {
        let image = try space.sample([3_000_000, 4_000_000])
        let registry = try FakeRegistry()
        try registry.add(image)
        let disk = "\(directory.path)/disk"
        try Program.shell("mkdir \(disk) && mount -t tmpfs -o size=5m tmpfs \(disk)")
        defer { _ = try? Program.shell("umount \(disk)") }
        func thaw(_ words: String...) throws -> ProgramResult {
            try Program.run([Binary.path, "--store", "\(disk)/store"] + words, in: directory.path)
        }
        let name = "\(try registry.reference())"
        let outcome = try thaw("pull", "--progress", "quiet", "--transfers", "1", name)
        #expect(outcome.status == 1)
        let lines = outcome.error.split(separator: "\n")
        #expect(lines.count == 2, "\(outcome.error)")
        #expect(lines.first?.hasPrefix("thaw: cannot pull \(image.layers[1].descriptor.digest) of ") == true)
        #expect(
            outcome.error.contains("\(registry.server.authority)/app: cannot write to the store"), "\(outcome.error)")
        #expect(outcome.error.contains("No space left on device"), "\(outcome.error)")
        #expect(try thaw("images").output == "")
        #expect(try Program.shell("ls \(disk)/store/thaw/ingest") == "")
        try Program.shell("mount -o remount,size=20m \(disk)")
        #expect(try thaw("pull", "--progress", "quiet", name).status == 0)
        #expect(try thaw("inspect", "--verify", name).status == 0)
        #expect(registry.count("GET /v2/app/blobs/\(image.layers[0].descriptor.digest)") == 1)
    }

    private static let canMount: ConditionTrait = .enabled(if: getuid() == 0, "only root can mount a small disk")

    @Test(
        "No password, token or signature is in the output of any failure",
        arguments: ["plain", "json", "quiet", "tty"])
    func secrets(progress: String) throws {
        let image = try space.sample([2_000_000])
        let secrets = ["hunter2", "dGhhdzpodW50ZXIy", "tokentoken", "signature"]
        let elsewhere = try FakeServer { exchange in
            try exchange.reply(exchange.request.query.isEmpty ? 404 : 503, [:], "signature tokentoken")
        }
        let registry = try FakeRegistry { exchange, count in
            let sent = exchange.request.headers["authorization"]
            if exchange.request.path == "/token" {
                try exchange.reply(200, [:], #"{"token":"tokentoken"}"#)
            } else if sent?.hasPrefix("Bearer ") != true {
                let realm = "http://\(exchange.request.headers["host"] ?? "")/token"
                try exchange.reply(401, ["WWW-Authenticate": "Bearer realm=\"\(realm)\",service=\"hunter2\""], "")
            } else if exchange.request.path.contains("/manifests/"), count < 3 {
                let text = #"{"errors":[{"code":"BUSY","message":"\#(sent ?? "") hunter2 dGhhdzpodW50ZXIy"}]}"#
                try exchange.reply(503, ["Retry-After": "0"], text)
            } else if exchange.request.path.contains("/blobs/") {
                try exchange.reply(307, ["Location": "\(elsewhere.origin)/blob?sig=signature"], "")
            } else {
                return false
            }
            return true
        }
        try registry.add(image)
        let host = registry.server.authority
        try directory.write("config.json", #"{"auths":{"\#(host)":{"auth":"dGhhdzpodW50ZXIy"}}}"#)
        let names = [host, "registry.invalid", "127.0.0.1:1"].map { "\($0)/app:1" }
        for name in names {
            let outcome = try Program.run(
                [
                    Binary.path, "--store", directory.store, "pull", "--progress", progress, "--authfile",
                    "config.json", name,
                ],
                in: directory.path, environment: ["ALL_PROXY": "socks5h://thaw:hunter2@127.0.0.1:1"])
            #expect(outcome.status == 1)
            #expect(outcome.error.contains(name.split(separator: "/")[0]), "\(outcome.error)")
            for secret in secrets { #expect(!(outcome.output + outcome.error).contains(secret), "\(outcome.error)") }
        }
        #expect(registry.count("GET /token") > 0)
        #expect(elsewhere.received.allSatisfy { $0.headers["authorization"] == nil })
        #expect(!elsewhere.received.isEmpty)
    }
}
