public import Linux
internal import TOMLKit

/// The settings of `thaw.toml` for building, starting, slimming and gating an image.
///
/// ```toml
/// [build]   dockerfile = "Dockerfile"   target = "app"   context = "."   args = { VERSION = "1" }
/// [probe]   http = "8080/healthz"       # or tcp = 8080, exec = "/app --check", log = "ready"
///           timeout = "30s"
/// [boot]    engine = "auto"   runs = 3   memory = "256MiB"   cpus = 1   env = ["A=1"]
///           kernel = "small"      # or debian, or a file relative to this one's directory
/// [slim]    keep = ["certs"]   include = ["/app/**"]   exclude = []
/// [budget]  size = "60MB"   unpacked = "200MB"   layers = 20   waste = "1MB"   start = "20s"   # see ``Budget``
/// [[waive]] rule = "size"   reason = "until the base is smaller"   until = "2027-01-31"
/// [[secrets.rule]]  id = "acme-token"   pattern = "acme_[a-z0-9]{32}"
/// [[secrets.allow]] path = "app/tests/**"   rule = "private-key"   reason = "keys of the tests"
/// ```
///
/// Every key is optional. An unknown key is an error, so that a misspelt budget is not ignored.
public struct ProjectFile: Sendable, Equatable {
    public var build = Build()
    /// The probe in the form of `--probe`, such as `http:8080/healthz`.
    public var probe: String?
    /// The time limit for the probe to pass.
    public var probeTimeout: Duration?
    public var boot = Boot()
    public var slim = Slim()
    public var budget = Budget()
    /// The rules that may be broken for a time.
    public var waivers: [Waiver] = []
    public var secrets = Secrets()

    /// The section `[build]`.
    public struct Build: Sendable, Equatable, Decodable {
        public var dockerfile: String?
        public var target: String?
        public var context: String?
        public var args: [String: String]?
    }

    /// The section `[boot]`.
    public struct Boot: Sendable, Equatable {
        public var engine: String?
        public var kernel: String?
        public var runs: Int?
        public var memory: ByteCount?
        public var cpus: Int?
        public var environment: [String] = []
    }

    /// The section `[slim]`.
    public struct Slim: Sendable, Equatable {
        public var keep: [String] = []
        public var include: [String] = []
        public var exclude: [String] = []
    }

    /// The sections `[[secrets.rule]]` and `[[secrets.allow]]`.
    public struct Secrets: Sendable, Equatable {
        public var rules: [Rule] = []
        public var allowances: [Allowance] = []

        /// A rule in addition to the built-in ones.
        public struct Rule: Sendable, Equatable, Decodable {
            public var id: String
            public var pattern: String
        }

        /// Places where a secret is no problem; every condition that is set must hold.
        public struct Allowance: Sendable, Equatable, Decodable {
            /// A pattern of paths, as in `.dockerignore`.
            public var path: String?
            public var rule: String?
            public var fingerprint: String?
            public var reason: String?
        }
    }

    /// Makes a project without settings.
    public init() {}

    /// Parses the text of a `thaw.toml`; `name` is its path in errors.
    public init(parsing text: String, name: String) throws(ProjectError) {
        let file: File
        do {
            file = try TOMLDecoder(strictDecoding: true).decode(File.self, from: text)
        } catch let error as TOMLParseError {
            let reason = error.description.split(separator: "\n").first.map(String.init) ?? "it is not TOML"
            throw .notTOML(name, line: Int(error.source.begin.line), reason: reason)
        } catch let error as UnexpectedKeysError {
            throw .unknownKeys(name, Self.unknownKeys(error.keys, in: text))
        } catch let error as DecodingError {
            throw .wrongValue(name, key: Self.path(of: error), reason: Self.reason(of: error))
        } catch {
            throw .wrongValue(name, key: "", reason: "\(error)")
        }
        try self.init(file, name: name)
    }
}

/// An error in `thaw.toml`.
public enum ProjectError: ReportableError, Sendable, Equatable {
    case notTOML(String, line: Int, reason: String)
    case unknownKeys(String, [UnknownKey])
    case wrongValue(String, key: String, reason: String)
    case severalProbes(String, [String])

    /// A wrong file is a wrong configuration.
    public var kind: FailureKind { .usage }

    /// Returns the sentence about unknown keys, with a suggestion for each.
    public static func text(
        ofUnknown keys: [UnknownKey], in file: String, suggestion: (UnknownKey) -> String
    ) -> String {
        let line = keys.first?.line.map { ":\($0)" } ?? ""
        let names = keys.map { key in "'\(key.path)'" + suggestion(key) }
        return "\(file)\(line): unknown key\(keys.count == 1 ? "" : "s") \(names.joined(separator: ", "))"
    }

    public var description: String {
        switch self {
        case .notTOML(let file, let line, let reason): "\(file):\(line): \(reason)"
        case .unknownKeys(let file, let keys):
            Self.text(ofUnknown: keys, in: file) { _ in "" }
        case .wrongValue(let file, let key, let reason): "\(file): '\(key)': \(reason)"
        case .severalProbes(let file, let keys):
            "\(file): [probe] has \(keys.joined(separator: " and ")), but only one probe is allowed"
        }
    }
}

// MARK: - The file as it is written

private struct File: Decodable {
    var build: ProjectFile.Build?
    var probe: Probe?
    var boot: Boot?
    var slim: Slim?
    var budget: BudgetSection?
    var waive: [WaiverSection]?
    var secrets: Secrets?

    struct Secrets: Decodable {
        var rule: [ProjectFile.Secrets.Rule]?
        var allow: [ProjectFile.Secrets.Allowance]?
    }

    struct Probe: Decodable {
        var http: String?
        var tcp: Int?
        var exec: String?
        var log: String?
        var timeout: String?
    }

    struct Boot: Decodable {
        var engine: String?
        var kernel: String?
        var runs: Int?
        var memory: String?
        var cpus: Int?
        var env: [String]?
    }

    struct Slim: Decodable {
        var keep: [String]?
        var include: [String]?
        var exclude: [String]?
    }
}

extension ProjectFile {
    private init(_ file: File, name: String) throws(ProjectError) {
        func bytes(_ text: String?, _ key: String) throws(ProjectError) -> ByteCount? {
            guard let text else { return nil }
            guard let value = ByteCount(text) else {
                throw .wrongValue(name, key: key, reason: "'\(text)' is not a size such as 60MB or 256MiB")
            }
            return value
        }
        func duration(_ text: String?, _ key: String) throws(ProjectError) -> Duration? {
            guard let text else { return nil }
            guard let value = Duration(human: text) else {
                throw .wrongValue(name, key: key, reason: "'\(text)' is not a time such as 500ms, 20s or 2m")
            }
            return value
        }
        func positive(_ number: Int?, _ key: String) throws(ProjectError) -> Int? {
            guard let number, number < 1 else { return number }
            throw .wrongValue(name, key: key, reason: "\(number) is not a positive number")
        }

        build = file.build ?? Build()
        probe = try Self.probe(file.probe, name: name)
        probeTimeout = try duration(file.probe?.timeout, "probe.timeout")
        boot = Boot(
            engine: file.boot?.engine, kernel: file.boot?.kernel, runs: try positive(file.boot?.runs, "boot.runs"),
            memory: try bytes(file.boot?.memory, "boot.memory"), cpus: try positive(file.boot?.cpus, "boot.cpus"),
            environment: file.boot?.env ?? [])
        slim = Slim(
            keep: file.slim?.keep ?? [], include: file.slim?.include ?? [], exclude: file.slim?.exclude ?? [])
        budget = try Budget(file.budget, file: name)
        budget.start = try duration(file.budget?.start, "budget.start")
        waivers = try Waiver.all(file.waive ?? [], file: name)
        secrets = Secrets(rules: file.secrets?.rule ?? [], allowances: file.secrets?.allow ?? [])
        for allowance in secrets.allowances {
            guard allowance.path ?? allowance.rule ?? allowance.fingerprint == nil else { continue }
            throw .wrongValue(
                name, key: "secrets.allow", reason: "an entry needs a path, a rule or a fingerprint")
        }
    }

    private static func probe(_ probe: File.Probe?, name: String) throws(ProjectError) -> String? {
        let given: [(key: String, text: String?)] = [
            ("http", probe?.http.map { "http:\($0)" }), ("tcp", probe?.tcp.map { "tcp:\($0)" }),
            ("exec", probe?.exec.map { "exec:\($0)" }), ("log", probe?.log.map { "log:\($0)" }),
        ]
        let present = given.filter { $0.text != nil }
        guard present.count <= 1 else { throw .severalProbes(name, present.map(\.key)) }
        return present.first?.text
    }

    private static func unknownKeys(_ keys: [String: [any CodingKey]], in text: String) -> [UnknownKey] {
        let lines = ProjectLines(text)
        return keys.map { key, path in
            let parents = path.map(\.stringValue).filter { $0 != key }
            return UnknownKey((parents + [key]).joined(separator: "."), in: lines)
        }.sorted { ($0.line ?? .max, $0.path) < ($1.line ?? .max, $1.path) }
    }

    private static func path(of error: DecodingError) -> String {
        let context: DecodingError.Context? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        return (context?.codingPath ?? []).map(\.stringValue).joined(separator: ".")
    }

    private static func reason(of error: DecodingError) -> String {
        if case .typeMismatch(let type, _) = error { return "the value is not of type \(type)" }
        return "the value cannot be read"
    }
}
