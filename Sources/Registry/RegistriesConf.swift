internal import Linux
internal import OCI
internal import SystemPackage
internal import TOMLKit

/// A server and path of a repository.
struct Endpoint: Hashable, Sendable {
    /// The registry's name in references; credentials are stored under it.
    let registry: String
    /// The repository's path on that server.
    let path: String

    /// `HOST[:PORT]` of the server.
    var host: String { registry == "docker.io" ? "registry-1.docker.io" : registry }
    /// The name in references.
    var name: String { "\(registry)/\(path)" }
}

/// Mirrors, relocations, insecure and blocked registries: containers-registries.conf(5).
///
/// ```toml
/// [[registry]]
/// prefix = "example.org/team"     # the start of names; "*.example.org" for hosts
/// location = "inside:5000/team"   # its replacement
/// insecure = true                 # any certificate, or none
/// blocked = false
/// [[registry.mirror]]             # tried first, for reading only
/// location = "mirror:5000/team"
/// ```
struct RegistriesConf: Sendable {
    private var rules: [RegistryRule] = []
    private var insecureHosts: Set<String> = []

    init() {}

    /// Reads `registries.conf`, then the `*.conf` files of `registries.conf.d` in the same directory.
    ///
    /// Later files override earlier ones.
    init(files: [FilePath]) throws {
        for file in files {
            try read(file)
            let directory = file.removingLastComponent().appending("registries.conf.d")
            guard let names = try? Directory(directory).entries() else { continue }
            let texts = names.map { String(decoding: $0.name, as: UTF8.self) }.filter { $0.hasSuffix(".conf") }
            for name in texts.sorted() { try read(directory.appending(name)) }
        }
    }

    private mutating func read(_ path: FilePath) throws {
        guard let bytes = try AuthFile.contents(path) else { return }
        let file: RegistriesDocument
        do {
            file = try TOMLDecoder().decode(RegistriesDocument.self, from: String(decoding: bytes, as: UTF8.self))
        } catch let error as TOMLParseError {
            let line = Int(error.source.begin.line)
            throw RegistryError.malformedFile("\(path):\(line)", reason: "it is not valid TOML")
        } catch {
            throw RegistryError.malformedFile(path.string, reason: "a key of a registry has a value of the wrong type")
        }
        for rule in file.registry ?? [] {
            rules.removeAll { $0.key == rule.key }
            rules.append(rule)
        }
        insecureHosts.formUnion(file.registries?.insecure?.registries ?? [])
    }

    /// True if the server may use any certificate, or no TLS.
    func isInsecure(_ host: String) -> Bool {
        insecureHosts.contains(host)
            || rules.contains { rule in
                rule.insecure == true && Self.host(rule.location ?? rule.key, covers: host)
                    || rule.mirror?.contains { $0.insecure == true && Self.host($0.location, covers: host) } == true
            }
    }

    /// Returns the endpoints of `reference` in the order of preference; mirrors only for reading.
    func endpoints(for reference: Reference, reading: Bool, action: String) throws(RegistryError) -> [Endpoint] {
        let name = "\(reference.host)/\(reference.path)"
        let rule = rules.filter { $0.matches(name) }.max { $0.key.utf8.count < $1.key.utf8.count }
        guard let rule else { return [Endpoint(registry: reference.host, path: reference.path)] }
        if rule.blocked == true { throw .blocked(action, host: reference.host) }
        var places = [rule.location ?? ""]
        if reading {
            places = (rule.mirror ?? []).filter { $0.serves(reference, of: rule) }.map(\.location) + places
        }
        return places.map { place in
            let moved = place.isEmpty ? name : place + rule.rest(of: name)
            let slash = moved.firstIndex(of: "/") ?? moved.endIndex
            return Endpoint(registry: String(moved[..<slash]), path: String(moved[slash...].drop { $0 == "/" }))
        }
    }

    private static func host(_ place: String, covers host: String) -> Bool {
        let name = place.prefix { $0 != "/" }
        return name.hasPrefix("*.") ? host.hasSuffix(name.dropFirst()) : name == host
    }

    // MARK: - The file's form

    private struct RegistriesDocument: Decodable {
        var registry: [RegistryRule]?
        var registries: Version1Table?

        struct Version1Table: Decodable { var insecure: RegistryList? }
        struct RegistryList: Decodable { var registries: [String]? }
    }

    private struct RegistryRule: Decodable {
        var prefix: String?
        var location: String?
        var insecure: Bool?
        var blocked: Bool?
        var mirror: [Mirror]?
        var mirrorByDigestOnly: Bool?

        enum CodingKeys: String, CodingKey {
            case prefix, location, insecure, blocked, mirror
            case mirrorByDigestOnly = "mirror-by-digest-only"
        }

        var key: String { prefix ?? location ?? "" }

        func matches(_ name: String) -> Bool {
            if key.hasPrefix("*.") { return name.prefix { $0 != "/" }.hasSuffix(key.dropFirst()) }
            return !key.isEmpty && (name == key || name.hasPrefix(key + "/"))
        }

        func rest(of name: String) -> Substring {
            key.hasPrefix("*.") ? name.drop { $0 != "/" } : name.dropFirst(key.count)
        }
    }

    private struct Mirror: Decodable {
        var location: String
        var insecure: Bool?
        var pull: String?

        enum CodingKeys: String, CodingKey {
            case location, insecure
            case pull = "pull-from-mirror"
        }

        func serves(_ reference: Reference, of rule: RegistryRule) -> Bool {
            switch pull ?? (rule.mirrorByDigestOnly == true ? "digest-only" : "all") {
            case "digest-only": reference.digest != nil
            case "tag-only": reference.digest == nil
            default: true
            }
        }
    }
}
