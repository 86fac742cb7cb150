import HTTP
import Harness
import Linux
import OCI
import Registry
import Support
import Synchronization
import SystemPackage
import Testing

/// Authentication: Basic, tokens that expire, files, helpers; no other host gets the credentials.
@Suite struct LoginTests {
    let space: Workspace
    private static let password = "sesame-open-7"
    /// The credentials `thaw:sesame-open-7` in base 64.
    private static let basic = "dGhhdzpzZXNhbWUtb3Blbi03"

    init() throws { space = try Workspace() }

    private func target() throws -> Store { try Store(at: space.path.appending("other")) }

    private func authFile(_ host: String, _ entry: String = #"{"auth":"\#(basic)"}"#) throws -> FilePath {
        try space.write("auth.json", #"{"auths":{"\#(host)":\#(entry)}}"#)
    }

    // MARK: - Debian's registry

    @Test("A registry with TLS and a password works with both, and fails without either", Shared.isInstalled)
    func real() async throws {
        let registry = try DockerRegistry(tls: true, login: true)
        let image = try space.sample([100_000])
        let name = try Shared.reference("private", at: registry)
        let file = try authFile(registry.host)
        let authorities = FilePath(registry.path)
        func push(_ edit: (inout RegistryConfiguration) -> Void) async throws {
            try await RegistryClient(configuration(edit)).push(image, to: name)
        }
        let untrusted = await #expect(throws: RegistryError.self) { try await push { $0.credentials = [file] } }
        guard case .connection(_, .untrusted(registry.host, _)) = untrusted else {
            Issue.record("\(untrusted.map { "\($0)" } ?? "nothing")")
            return
        }
        let anonymous = await #expect(throws: RegistryError.self) { try await push { $0.certificates = [authorities] } }
        guard case .unauthorized(_, registry.host, hadCredentials: false) = anonymous else {
            Issue.record("\(anonymous.map { "\($0)" } ?? "nothing")")
            return
        }
        let trusting = configuration {
            $0.certificates = [authorities]
            $0.credentials = [file]
        }
        let client = try RegistryClient(trusting)
        try await client.push(image, to: name)
        try await client.pull(name, into: target()).validate()
        try await push {
            $0.isInsecure = true
            $0.credentials = [file]
        }
    }

    @Test("A login checks the password before it stores it, and keeps the rest of the file", Shared.isInstalled)
    func login() async throws {
        let registry = try DockerRegistry(login: true)
        let path = try space.write(
            "docker/config.json", #"{"HttpHeaders":{"X":"y"},"auths":{"other":{"auth":"eDp5"}}}"#)
        let client = try RegistryClient(configuration())
        let wrong = Credential.password(user: "thaw", "wrong-one")
        await #expect(
            throws: RegistryError.unauthorized("log in to \(registry.host)", host: registry.host, hadCredentials: true)
        ) {
            try await client.login(registry.host, wrong, keepingIn: AuthFile(at: path))
        }
        #expect(try text(path).contains("wrong-one") == false)
        let right = Credential.password(user: "thaw", Self.password)
        try await RegistryClient(configuration()).login(registry.host, right, keepingIn: AuthFile(at: path))
        let json = try JSON(parsing: Array(text(path).utf8), what: "")
        #expect(json["auths"]?[registry.host]?["auth"]?.string == Self.basic)
        #expect(json["auths"]?["other"]?["auth"]?.string == "eDp5")
        #expect(json["HttpHeaders"]?["X"]?.string == "y")
        #expect(try Directory(path.removingLastComponent()).status(of: "config.json").mode & 0o777 == 0o600)
        #expect(try AuthFile(at: path).forget(registry.host))
        #expect(try !AuthFile(at: path).forget(registry.host))
        #expect(try !text(path).contains(Self.basic))
    }

    private func text(_ path: FilePath) throws -> String {
        String(decoding: try OwnedDescriptor(path).readAll(limit: 1 << 20), as: UTF8.self)
    }

    // MARK: - Tokens

    /// A registry that requires tokens, each valid for a number of requests, and their token server.
    private struct Tokens {
        let registry: FakeRegistry
        let server: FakeServer

        /// Starts both servers.
        ///
        /// - Parameter wants: The value of `Authorization` that the token server requires.
        init(uses: Int, wants: String?, seconds: Int = 300) throws {
            let left = Mutex<[String: Int]>([:])
            let holder = Holder(left)
            server = try FakeServer { exchange in
                _ = try exchange.body()
                guard exchange.request.headers["authorization"] == wants else {
                    return try exchange.reply(401, [:], #"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#)
                }
                let token = "token-\(UInt64.random(in: 0 ... .max))"
                holder.give(token, uses)
                try exchange.reply(200, [:], #"{"token":"\#(token)","expires_in":\#(seconds)}"#)
            }
            let realm = "\(server.origin)/token"
            registry = try FakeRegistry { exchange, _ in
                if holder.use(exchange.request.headers["authorization"] ?? "") { return false }
                let challenge =
                    "Bearer realm=\"\(realm)\",service=\"a registry\",scope=\"repository:app:pull,push\""
                let echo = exchange.request.headers["authorization"] ?? ""
                try exchange.reply(
                    401, ["WWW-Authenticate": challenge],
                    #"{"errors":[{"code":"UNAUTHORIZED","message":"not with \#(echo)"}]}"#)
                return true
            }
        }

        final class Holder: Sendable {
            private let left: Mutex<[String: Int]>

            init(_ left: consuming Mutex<[String: Int]>) { self.left = left }

            func give(_ token: String, _ uses: Int) { left.withLock { $0["Bearer \(token)"] = uses } }

            func use(_ header: String) -> Bool {
                left.withLock { left in
                    guard let count = left[header], count > 0 else { return false }
                    left[header] = count - 1
                    return true
                }
            }
        }
    }

    @Test("Tokens that expire during a transfer are renewed, and everything arrives", arguments: [1, 2, 5])
    func renewal(uses: Int) async throws {
        let tokens = try Tokens(uses: uses, wants: "Basic \(Self.basic)")
        let image = try space.sample([3_000_000, 100_000, 10])
        let name = try tokens.registry.reference()
        let file = try authFile(tokens.registry.server.authority)
        let client = try RegistryClient(
            configuration {
                $0.credentials = [file]
                $0.jobs = 1
            })
        try await client.push(image, to: name)
        try await client.pull(name, into: target()).validate()
        let asked = tokens.server.received
        #expect(asked.count > 1)
        #expect(asked.allSatisfy { $0.query.contains("service=a%20registry") })
        #expect(asked.contains { $0.query.contains("scope=repository:app:pull,push") })
    }

    @Test("A token that expires is requested again, another is used for several requests", arguments: [1, 300])
    func expiry(seconds: Int) async throws {
        let tokens = try Tokens(uses: 1000, wants: nil, seconds: seconds)
        let image = try space.sample([10])
        let name = try tokens.registry.reference()
        let client = try RegistryClient(configuration { $0.jobs = 1 })
        try await client.push(image, to: name)
        let asked = tokens.server.received.count
        if seconds == 1 { try await Task.sleep(for: .milliseconds(900)) }
        try await client.push(image, to: name)
        #expect(asked == 1 || seconds == 1)
        #expect((tokens.server.received.count > asked) == (seconds == 1))
    }

    @Test("An identity token is exchanged, and without credentials the request is anonymous")
    func identity() async throws {
        let tokens = try Tokens(uses: 1000, wants: nil)
        let image = try space.sample([10])
        let name = try tokens.registry.reference()
        let file = try authFile(tokens.registry.server.authority, #"{"identitytoken":"refresh-me"}"#)
        try await RegistryClient(configuration { $0.credentials = [file] }).push(image, to: name)
        #expect(tokens.server.received.first?.method == "POST")
        try await RegistryClient(configuration()).pull(name, into: target()).validate()
        #expect(tokens.server.received.last?.method == "GET")
    }

    @Test("The error for a wrong password has host and repository, and no secret that was sent")
    func secrets() async throws {
        let tokens = try Tokens(uses: 0, wants: "Basic \(Self.basic)")
        let image = try space.sample([10])
        let name = try tokens.registry.reference()
        for entry in [#"{"auth":"\#(Self.basic)"}"#, #"{"auth":"dGhhdzpodW50ZXIy"}"#] {
            let file = try authFile(tokens.registry.server.authority, entry)
            let log = Log()
            let client = try RegistryClient(configuration { $0.credentials = [file] }) { log.add($0) }
            let error = await #expect(throws: RegistryError.self) { try await client.push(image, to: name) }
            let text = "\(try #require(error))" + log.retries.joined()
            #expect(text.contains("\(tokens.registry.server.authority)/app"))
            for secret in [Self.password, Self.basic, "hunter2", "dGhhdzpodW50ZXIy", "token-"] {
                #expect(!text.contains(secret), "\(secret)")
            }
        }
        var dumped = ""
        dump(Credential.password(user: "thaw", Self.password), to: &dumped)
        #expect(!dumped.contains(Self.password))
        #expect(!"\(Credential.identityToken(Self.password))".contains(Self.password))
    }

    @Test("Secrets in a registry's response are not printed")
    func echo() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard let sent = exchange.request.headers["authorization"] else {
                try exchange.reply(401, ["WWW-Authenticate": "Basic realm=\"x\""], "")
                return true
            }
            try exchange.reply(
                403, [:], #"{"errors":[{"code":"DENIED","message":"\#(sent) means \#(Self.password)"}]}"#)
            return true
        }
        let file = try authFile(registry.server.authority)
        let client = try RegistryClient(configuration { $0.credentials = [file] })
        let error = await #expect(throws: RegistryError.self) { try await client.manifest(registry.reference()) }
        let text = "\(try #require(error))"
        #expect(text.contains("DENIED, Basic *** means ***"))
    }

    // MARK: - Files and helpers

    @Test(
        "The most specific entry counts, in every form that files have",
        arguments: [
            (#"{"auths":{"127.0.0.1:1":{"auth":"YTpi"},"127.0.0.1:1/app":{"auth":"YzpkZQ=="}}}"#, "YzpkZQ=="),
            (#"{"auths":{"https://127.0.0.1:1/v1/":{"auth":"YTpi"}}}"#, "YTpi"),
            (#"{"auths":{"127.0.0.1:1":{"username":"a","password":"b"}}}"#, "YTpi"),
            (#"{"auths":{"127.0.0.1":{"auth":"YTpi"},"127.0.0.1:1":{}}}"#, nil),
            (#"{"auths":{"127.0.0.1:1":{"auth":"!!!"}}}"#, nil), (#"{"auths":[]}"#, nil), ("", nil),
        ])
    func files(text: String, auth: String?) async throws {
        let seen = Mutex<String?>(nil)
        let holder = Holder(seen)
        let registry = try FakeServer { exchange in
            holder.set(exchange.request.headers["authorization"])
            try exchange.reply(401, ["WWW-Authenticate": "Basic realm=x"], "")
        }
        let file = try space.write("auth.json", text.replacing("127.0.0.1:1", with: registry.authority))
        let client = try RegistryClient(configuration { $0.credentials = ["/nowhere", file] })
        await #expect(throws: RegistryError.self) { try await client.manifest(Reference("\(registry.authority)/app")) }
        #expect(holder.get() == auth.map { "Basic \($0)" })
    }

    private final class Holder: Sendable {
        private let value: Mutex<String?>

        init(_ value: consuming Mutex<String?>) { self.value = value }

        func set(_ new: String?) { value.withLock { $0 = new } }
        func get() -> String? { value.withLock { $0 } }
    }

    @Test("The error for invalid JSON, and for a helper's name that is a path, has the file")
    func brokenFiles() throws {
        for (text, reason) in [("{", "valid JSON"), (#"{"credsStore":"../../evil"}"#, "invalid characters")] {
            let file = try space.write("auth.json", text)
            let error = #expect(throws: RegistryError.self) {
                _ = try AuthFile(at: file).forget("registry.invalid")
            }
            #expect("\(try #require(error))".contains(file.string))
            #expect("\(try #require(error))".contains(reason))
        }
    }
}

/// The settings of `registries.conf` and `certs.d`.
@Suite struct PlaceTests {
    let space: Workspace

    init() throws { space = try Workspace() }

    @Test("Mirrors are tried first, in their order, and the registry itself after they fail")
    func mirrors() async throws {
        let image = try space.sample([1000])
        let (mirror, upstream) = (try FakeRegistry(), try FakeRegistry())
        try upstream.add(image)
        let gone = try FakeServer { $0.close() }.authority
        let file = try space.write(
            "registries.conf",
            """
            [[registry]]
            prefix = "registry.invalid/team"
            location = "\(upstream.server.authority)"
            [[registry.mirror]]
            location = "\(gone)"
            [[registry.mirror]]
            location = "\(mirror.server.authority)"
            """)
        let client = try RegistryClient(configuration { $0.registries = [file] })
        let name = try Reference("registry.invalid/team/app:1")
        let store = try Store(at: space.path.appending("other"))
        try await client.pull(name, into: store).validate()
        #expect(mirror.count("GET /v2/app/manifests/1") == 1)
        #expect(upstream.count("GET /v2/app/manifests/1") == 1)
        #expect(try store.images().map(\.name) == ["\(name)"])
        try mirror.add(image)
        try await client.manifest(name)
        #expect(upstream.count("GET /v2/app/manifests/1") == 1)
        // Writes go to the registry itself.
        try await client.push(image, to: name)
        #expect(mirror.count("PUT") == 0)
        #expect(upstream.count("PUT") > 0)
    }

    @Test("A blocked registry gets no request, and the error for invalid TOML has the file's line")
    func blocked() async throws {
        let file = try space.write("registries.conf", "[[registry]]\nlocation = \"registry.invalid\"\nblocked = true\n")
        let client = try RegistryClient(configuration { $0.registries = [file] })
        await #expect(throws: RegistryError.blocked("pull registry.invalid/app:latest", host: "registry.invalid")) {
            try await client.manifest(Reference("registry.invalid/app"))
        }
        let broken = try space.write("broken.conf", "[[registry]]\nlocation =\n")
        let error = #expect(throws: RegistryError.self) {
            try RegistryClient(configuration { $0.registries = [broken] })
        }
        #expect("\(try #require(error))".contains("\(broken):2"))
    }

    @Test("certs.d adds an authority for one host; registries.conf can disable checks", Shared.isInstalled)
    func certificates() async throws {
        let registry = try DockerRegistry(tls: true)
        let image = try space.sample([1000])
        let name = try Shared.reference("certs", at: registry)
        let root = try Directory(space.path)
        try root.makeDirectories(FilePath("certs.d/\(registry.host)"))
        let authority = try Directory(FilePath(registry.path)).contents(of: "ca.crt", limit: 1 << 20)
        try root.replace(FilePath("certs.d/\(registry.host)/ca.crt"), with: authority)
        let roots = space.path.appending("certs.d")
        try await RegistryClient(configuration { $0.certificateRoots = [roots] }).push(image, to: name)
        let file = try space.write(
            "registries.conf", "[[registry]]\nlocation = \"\(registry.host)\"\ninsecure = true\n")
        try await RegistryClient(configuration { $0.registries = [file] }).push(image, to: name)
        await #expect(throws: RegistryError.self) { try await RegistryClient(configuration()).push(image, to: name) }
    }
}
