internal import Linux
internal import OCI
public import SystemPackage

/// A file with credentials, in the form of Docker's `config.json`, which containers-auth.json(5) shares.
///
/// ```json
/// { "auths": { "HOST[/PATH]": { "auth": "BASE64", "identitytoken": "…" } },
///   "credHelpers": { "HOST": "NAME" },   "credsStore": "NAME" }
/// ```
public struct AuthFile: Sendable {
    /// The file's path, which need not exist.
    public let path: FilePath
    private var json: JSON

    /// The name of docker.io in references; ``hubKey`` is its name in Docker's files.
    private static let hub = "docker.io"
    private static let hubKey = "https://index.docker.io/v1/"

    /// Reads the file; a missing one counts as empty.
    public init(at path: FilePath) throws {
        self.path = path
        guard let bytes = try Self.contents(path), !bytes.isEmpty else {
            json = .object([:])
            return
        }
        do {
            json = try JSON(parsing: bytes, what: path.string)
        } catch {
            throw RegistryError.malformedFile(path.string, reason: "it is not valid JSON")
        }
    }

    /// Returns a small file's bytes; nil if there is no file.
    static func contents(_ path: FilePath) throws -> [UInt8]? {
        do {
            return try OwnedDescriptor(path).readAll(limit: 4 << 20)
        } catch  where [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) {
            return nil
        }
    }

    // MARK: - Reading

    /// Returns the credential for a repository, from the file's credential helper or the file itself.
    func credential(registry: String, path: String) throws -> Credential? {
        if let helper = try helper(for: registry), let found = try helper.get(Self.serverKey(registry)) { return found }
        let auths = json["auths"]?.object ?? [:]
        var names = ["\(registry)/\(path)"]
        while let slash = names[names.count - 1].lastIndex(of: "/") {
            names.append(String(names[names.count - 1][..<slash]))
        }
        for name in names {
            for (key, entry) in auths.sorted(by: { $0.key < $1.key }) where Self.isSame(key, name) {
                if let credential = Self.credential(entry) { return credential }
            }
        }
        return nil
    }

    /// Returns the program that keeps the credentials of a registry, if there is one.
    func helper(for registry: String) throws -> CredentialHelper? {
        let named = json["credHelpers"]?[registry]?.string ?? json["credHelpers"]?[Self.serverKey(registry)]?.string
        guard let name = named ?? json["credsStore"]?.string, !name.isEmpty else { return nil }
        return try CredentialHelper(name, file: path)
    }

    private static func credential(_ entry: JSON) -> Credential? {
        if let token = entry["identitytoken"]?.string, !token.isEmpty { return .identityToken(token) }
        if let auth = entry["auth"]?.string, !auth.isEmpty { return Credential(basic: auth) }
        guard let user = entry["username"]?.string, let password = entry["password"]?.string else { return nil }
        return .password(user: user, password)
    }

    /// True if a key of the file means `name`; the key may be an old address with a scheme.
    private static func isSame(_ key: String, _ name: String) -> Bool {
        if key == name { return true }
        if name == hub { return key == hubKey || key == "index.docker.io" || key == "https://index.docker.io/v1" }
        guard let scheme = key.firstRange(of: "://") else { return false }
        // An address means the whole host, whatever API version follows.
        return key[scheme.upperBound...].prefix { $0 != "/" } == name
    }

    static func serverKey(_ registry: String) -> String { registry == hub ? hubKey : registry }

    // MARK: - Writing

    /// Stores a credential for a registry with the file's credential helper, or else in the file.
    ///
    /// All other entries remain.
    func keep(_ credential: Credential, for registry: String) throws {
        let key = Self.serverKey(registry)
        if let helper = try helper(for: registry) {
            try helper.store(credential, key)
            try edit { $0["auths"] = Self.setting($0["auths"], key: key, value: .object([:])) }
            return
        }
        let entry: JSON =
            switch credential {
            case .password: .strings(["auth": credential.basic ?? ""])
            case .identityToken(let token): .strings(["identitytoken": token])
            }
        try edit { $0["auths"] = Self.setting($0["auths"], key: key, value: entry) }
    }

    /// Removes the credentials of a registry; false if there were none.
    public func forget(_ registry: String) throws -> Bool {
        var forgot = false
        if let helper = try helper(for: registry) { forgot = try helper.erase(Self.serverKey(registry)) }
        let keys = (json["auths"]?.object ?? [:]).keys.filter { Self.isSame($0, registry) }
        if keys.isEmpty { return forgot }
        try edit { json in
            for key in keys { json["auths"]?[key] = nil }
        }
        return true
    }

    private static func setting(_ object: JSON?, key: String, value: JSON) -> JSON {
        var object = object ?? .object([:])
        object[key] = value
        return object
    }

    /// Writes the file anew with mode 0600.
    ///
    /// A symbolic link to the file remains, because some users keep such files elsewhere.
    private func edit(_ change: (inout JSON) -> Void) throws {
        var json = json
        change(&json)
        let place = Self.target(of: path)
        let directory = try Directory.make(place.removingLastComponent(), mode: 0o700)
        try directory.replace(FilePath(place.lastComponent?.string ?? ""), with: json.prettyBytes, mode: 0o600)
    }

    /// Returns the end of a chain of symbolic links.
    private static func target(of path: FilePath) -> FilePath {
        var path = path
        for _ in 0..<16 {
            guard let directory = try? Directory(path.removingLastComponent()), let name = path.lastComponent,
                let link = try? directory.target(ofLink: FilePath(root: nil, [name]))
            else { return path }
            path = path.removingLastComponent().pushing(FilePath(String(decoding: link, as: UTF8.self)))
        }
        return path
    }
}
