internal import Linux
internal import OCI
internal import SystemPackage

/// The images of registries that this machine accepts, and the signatures that they need (containers-policy.json(5)).
///
/// Of the requirements only those of the most specific scope apply, and all of them must hold.
struct SignaturePolicy: Sendable {
    /// A condition for an image.
    enum Requirement: Sendable {
        case accept, reject
        /// A signature by one of the keys for a suitable name.
        case signed([SigstoreKey], SignedIdentity)
        /// A condition that thaw can't check, with the words of the file.
        case unsupported(String)
    }

    /// The path of the file, for messages.
    let path: String
    private let fallback: [Requirement]
    private let scopes: [String: [Requirement]]

    /// Reads the first of the files that exists; without one every image is accepted.
    static func first(of files: [FilePath]) throws -> SignaturePolicy? {
        for path in files {
            guard let bytes = try contents(of: path) else { continue }
            return try SignaturePolicy(parsing: bytes, path: path.string)
        }
        return nil
    }

    /// Returns the bytes of a file; nil if it does not exist.
    private static func contents(of path: FilePath) throws -> [UInt8]? {
        do {
            return try OwnedDescriptor(path).readAll(limit: 16 << 20)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// Parses a policy.
    ///
    /// - Throws: ``RegistryError/malformedFile(_:reason:)``.
    init(parsing bytes: [UInt8], path: String) throws {
        func malformed(_ reason: String) -> RegistryError { .malformedFile(path, reason: reason) }
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw malformed("\(error)") }
        func list(_ json: JSON?, _ place: String) throws -> [Requirement] {
            guard let items = json?.array, !items.isEmpty else {
                throw malformed("\(place) has no requirements")
            }
            return try items.map { item in
                do { return try Requirement(item) } catch { throw malformed("\(place): \(error)") }
            }
        }
        self.path = path
        fallback = try list(json["default"], "'default'")
        var scopes: [String: [Requirement]] = [:]
        for (scope, value) in json["transports"]?["docker"]?.object ?? [:] {
            scopes[scope] = try list(value, "the scope '\(scope)'")
        }
        self.scopes = scopes
    }

    /// Returns the requirements for an image: those of its name, its repository, a prefix, its host's domain, or all.
    func requirements(for reference: Reference) -> [Requirement] {
        for scope in Self.scopes(of: reference) { if let found = scopes[scope] { return found } }
        return fallback
    }

    /// Returns the scopes that an image belongs to, the most specific first.
    static func scopes(of reference: Reference) -> [String] {
        let name = "\(reference.host)/\(reference.path)"
        var scopes: [String] = []
        if let digest = reference.digest { scopes.append("\(name)@\(digest)") }
        if let tag = reference.tag { scopes.append("\(name):\(tag)") }
        var parts = name.split(separator: "/")
        while !parts.isEmpty {
            scopes.append(parts.joined(separator: "/"))
            parts.removeLast()
        }
        var labels = reference.host.split(separator: ".", omittingEmptySubsequences: false).dropFirst()
        while !labels.isEmpty {
            scopes.append("*." + labels.joined(separator: "."))
            labels = labels.dropFirst()
        }
        scopes.append("")
        return scopes
    }
}

extension SignaturePolicy.Requirement {
    /// A fault in a requirement.
    private struct RequirementFault: Error, CustomStringConvertible {
        let description: String
    }

    init(_ json: JSON) throws {
        switch json["type"]?.string {
        case "insecureAcceptAnything": self = .accept
        case "reject": self = .reject
        case "signedBy": self = .unsupported("'signedBy', a signature by GnuPG")
        case "sigstoreSigned":
            let known: Set = ["type", "keyPath", "keyPaths", "keyData", "keyDatas", "signedIdentity"]
            if let other = json.object?.keys.first(where: { !known.contains($0) }) {
                self = .unsupported("'sigstoreSigned' with '\(other)'")
                return
            }
            guard let identity = SignedIdentity(json["signedIdentity"]) else {
                throw RequirementFault(description: "its signedIdentity is not known")
            }
            self = .signed(try Self.keys(json), identity)
        case let type: throw RequirementFault(description: "requirement '\(type ?? "")' is not known")
        }
    }

    private static func keys(_ json: JSON) throws -> [SigstoreKey] {
        var keys: [SigstoreKey] = []
        var paths: [String] = json["keyPaths"]?.strings ?? []
        if let path = json["keyPath"]?.string { paths.append(path) }
        for path in paths {
            let text = try OwnedDescriptor(FilePath(path)).readAll(limit: 1 << 20)
            keys.append(try SigstoreKey(pem: text, name: "'\(path)'"))
        }
        var texts: [JSON] = json["keyDatas"]?.array ?? []
        if let text = json["keyData"] { texts.append(text) }
        for text in texts {
            guard let bytes = text.base64 else { throw RequirementFault(description: "its keyData is not base-64") }
            keys.append(try SigstoreKey(pem: bytes, name: "its keyData"))
        }
        guard !keys.isEmpty else { throw RequirementFault(description: "'sigstoreSigned' has no key") }
        return keys
    }
}
