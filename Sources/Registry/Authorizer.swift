internal import HTTP
internal import Linux
internal import OCI
internal import Synchronization

/// The state of authentication with each registry: its protocol, challenge, credential and tokens.
///
/// ```
/// GET /v2/ ──► https or http, and a challenge ─┬─ none
///                                              ├─ Basic: user and password
///                                              └─ Bearer: a token for some scopes, until shortly before it expires
/// ```
final class Authorizer: Sendable {
    private struct BearerToken {
        let text: String
        let expires: ContinuousClock.Instant
    }

    private struct State {
        var bases: [String: WebAddress] = [:]
        var challenges: [String: Challenge] = [:]
        var tokens: [String: BearerToken] = [:]
        var credentials: [String: Credential?] = [:]
        var secrets: Set<String> = []
    }

    private let client: HTTPClient
    private let files: [AuthFile]
    private let isInsecure: @Sendable (String) -> Bool
    private let state = Mutex(State())
    private let pingLock = Mutex(())

    init(_ client: HTTPClient, files: [AuthFile], isInsecure: @Sendable @escaping (String) -> Bool) {
        self.client = client
        self.files = files
        self.isInsecure = isInsecure
    }

    // MARK: - Protocol

    /// Returns the address of a registry.
    ///
    /// That is https, or http if the registry is insecure or on this machine and has no TLS.
    func base(_ endpoint: Endpoint, _ cancellation: Cancellation) throws -> WebAddress {
        if let known = state.withLock({ $0.bases[endpoint.host] }) { return known }
        // Several blobs begin at once: one sends the request, the others wait for its result.
        return try pingLock.withLock { _ in
            try state.withLock { $0.bases[endpoint.host] } ?? found(endpoint, cancellation)
        }
    }

    private func found(_ endpoint: Endpoint, _ cancellation: Cancellation) throws -> WebAddress {
        let address = try WebAddress("https://\(endpoint.host)/v2/")
        do {
            return try ping(address, endpoint: endpoint, cancellation: cancellation)
        } catch let error as HTTPError {
            guard Self.mayLackTLS(error), isInsecure(endpoint.host) || address.isLoopback else { throw error }
            return try ping(WebAddress("http://\(endpoint.host)/v2/"), endpoint: endpoint, cancellation: cancellation)
        }
    }

    private static func mayLackTLS(_ error: HTTPError) -> Bool {
        switch error {
        case .notTLS, .unreachable, .interrupted: true
        default: false
        }
    }

    /// Requests the API version; the response also contains the challenge.
    private func ping(_ address: WebAddress, endpoint: Endpoint, cancellation: Cancellation) throws -> WebAddress {
        let response = try client.fetch(Request(.get, address), cancellation).response
        state.withLock { state in
            state.bases[endpoint.host] = address
            if response.status == 401, response.address.origin == address.origin {
                state.challenges[endpoint.host] = Challenge(response.headers.all("WWW-Authenticate"))
            }
        }
        return address
    }

    // MARK: - Authorization

    /// Returns the value of `Authorization` for a request, or nil if none is needed.
    func authorization(
        _ endpoint: Endpoint, scopes: Set<TokenScope>, action: String, cancellation: Cancellation
    ) throws -> String? {
        switch state.withLock({ $0.challenges[endpoint.host] }) {
        case nil: return nil
        case .basic:
            guard let basic = try credential(endpoint)?.basic else { return nil }
            return "Basic \(basic)"
        case .bearer(let realm, let service, let scope):
            var scopes = Set(scopes.map(\.description))
            // The challenge of a whole registry has no scope; one with a scope requires exactly that.
            if scopes.isEmpty, let scope { scopes.insert(scope) }
            let key = "\(endpoint.host) \(scopes.sorted().joined(separator: " "))"
            if let token = state.withLock({ $0.tokens[key] }), token.expires > .now { return "Bearer \(token.text)" }
            let request = TokenRequest(
                realm: realm, service: service, scopes: scopes.sorted(), credential: try credential(endpoint))
            let token = try requestToken(request, endpoint: endpoint, action: action, cancellation: cancellation)
            state.withLock { state in
                state.tokens[key] = token
                state.secrets.insert(token.text)
            }
            return "Bearer \(token.text)"
        }
    }

    /// Stores the challenge of a refused request; true if a retry makes sense.
    func recordChallenge(from response: Response, _ endpoint: Endpoint) -> Bool {
        guard let challenge = Challenge(response.headers.all("WWW-Authenticate")) else { return false }
        return state.withLock { state in
            let isNew = state.challenges[endpoint.host] != challenge
            state.challenges[endpoint.host] = challenge
            let known = state.tokens.keys.filter { $0.hasPrefix("\(endpoint.host) ") }
            for key in known { state.tokens[key] = nil }
            return isNew || !known.isEmpty
        }
    }

    /// True if there is a credential for a registry.
    func hasCredential(_ endpoint: Endpoint) -> Bool { (try? credential(endpoint)) ?? nil != nil }

    /// Uses this credential for a registry in place of the files' one.
    func use(_ credential: Credential, for registry: String) {
        state.withLock { state in
            state.credentials[registry] = credential
            state.secrets.formUnion(credential.secrets)
        }
    }

    private func credential(_ endpoint: Endpoint) throws -> Credential? {
        for key in [endpoint.registry, endpoint.name] {
            if let known = state.withLock({ $0.credentials[key] }) { return known }
        }
        var found: Credential?
        for file in files {
            found = try file.credential(registry: endpoint.registry, path: endpoint.path)
            if found != nil { break }
        }
        let credential = found
        state.withLock { state in
            state.credentials[endpoint.name] = credential
            state.secrets.formUnion(credential?.secrets ?? [])
        }
        return credential
    }

    // MARK: - Tokens

    private struct TokenRequest {
        let realm: String
        let service: String?
        let scopes: [String]
        let credential: Credential?

        /// Returns GET with the password, or POST with the identity token (distribution's token and OAuth2 documents).
        func request(_ realm: WebAddress) throws -> Request {
            var fields = service.map { [("service", $0)] } ?? []
            if case .identityToken(let token)? = credential {
                fields += [("grant_type", "refresh_token"), ("client_id", "thaw"), ("refresh_token", token)]
                fields.append(("scope", scopes.joined(separator: " ")))
                let form = Array(Query.encode(fields).utf8)
                var request = Request(
                    .post, realm, headers: ["Content-Type": "application/x-www-form-urlencoded"],
                    body: RequestBody(form))
                // The token is in the body, which a redirect would send to another server.
                request.followsRedirects = false
                return request
            }
            fields += scopes.map { ("scope", $0) }
            var request = Request(.get, try realm.appending(fields))
            if let basic = credential?.basic { request.headers["Authorization"] = "Basic \(basic)" }
            return request
        }
    }

    private func requestToken(
        _ wanted: TokenRequest, endpoint: Endpoint, action: String, cancellation: Cancellation
    ) throws -> BearerToken {
        let realm: WebAddress
        do {
            realm = try WebAddress(wanted.realm)
        } catch {
            throw RegistryError.malformedAnswer(
                action, host: endpoint.host, reason: "sends an invalid token server address")
        }
        let base = try base(endpoint, cancellation)
        guard realm.scheme == "https" || base.scheme == "http" || wanted.credential == nil else {
            throw RegistryError.unsafeTokenServer(action, host: endpoint.host, realm: realm.origin)
        }
        let asked = ContinuousClock.now
        let (response, content) = try client.fetch(wanted.request(realm), limit: 1 << 20, cancellation)
        switch response.status {
        case 200: break
        case 400, 401, 403:
            throw RegistryError.unauthorized(
                action, host: endpoint.registry, hadCredentials: wanted.credential != nil)
        case 429, 500...599:
            throw RegistryError.busy(
                action, host: realm.authority, status: response.status,
                retryAfter: Retry.seconds(response.headers["Retry-After"]))
        default:
            throw RegistryError.refused(
                action, host: realm.authority, status: response.status, reason: "no token was issued")
        }
        let json = try? JSON(parsing: content, what: "token")
        guard let text = json?["token"]?.string ?? json?["access_token"]?.string, !text.isEmpty else {
            throw RegistryError.malformedAnswer(action, host: realm.authority, reason: "responds without a token")
        }
        // A token that is about to expire would not outlive the request; one that lasts a second is used for a second.
        let seconds = min(max(json?["expires_in"]?.integer ?? 60, 1), 86_400)
        return BearerToken(
            text: text, expires: asked + .seconds(seconds) - min(.seconds(10), .milliseconds(seconds * 200)))
    }

    // MARK: - Secrets

    /// Returns a text of a server with every secret that was sent to it replaced.
    func redact(_ text: String) -> String {
        state.withLock(\.secrets).filter { $0.utf8.count >= 3 }.sorted { $0.utf8.count > $1.utf8.count }
            .reduce(text) { $0.replacing($1, with: "***") }
    }
}

/// The query of an address.
enum Query {
    static func encode(_ fields: [(String, String)]) -> String {
        fields.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            let isPlain =
                (48...57).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || "-._~:/,".utf8.contains(byte)
            if isPlain && byte < 0x80 {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension WebAddress {
    /// Returns the address with more fields in its query.
    func appending(_ fields: [(String, String)]) throws -> WebAddress {
        if fields.isEmpty { return self }
        return try WebAddress(text + (text.contains("?") ? "&" : "?") + Query.encode(fields))
    }
}
