public import Linux
internal import TOMLKit

/// The settings of `thaw.toml` for building, starting, slimming and gating an image.
///
/// ``ConfigSection`` lists the keys. Every key is optional. An unknown key is an error, so that a misspelt budget is not
/// ignored.
public struct ProjectFile: Sendable, Equatable {
    public var build = Build()
    /// The probe in the form of `--probe`, such as `http:8080/healthz`.
    public var probe: String?
    /// The time limit for the probe to pass.
    public var probeTimeout: Duration?
    public var boot = BootSection()
    public var slim = Slim()
    /// The names of the cures that `thaw optimize` tries, or `all`; nil if the file doesn't say.
    public var cures: [String]?
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

        enum CodingKeys: String, CodingKey, CaseIterable { case dockerfile, target, context, args }
    }

    /// The section `[boot]`.
    public struct BootSection: Sendable, Equatable {
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
        public var rules: [CustomSecretRule] = []
        public var allowances: [AllowedSecret] = []

        /// A rule in addition to the built-in ones.
        public struct CustomSecretRule: Sendable, Equatable, Decodable {
            public var id: String
            public var pattern: String

            enum CodingKeys: String, CodingKey, CaseIterable { case id, pattern }
        }

        /// Places where a secret is no problem; every condition that is set must hold.
        public struct AllowedSecret: Sendable, Equatable, Decodable {
            /// A pattern of paths, as in `.dockerignore`.
            public var path: String?
            public var rule: String?
            public var fingerprint: String?
            public var reason: String?

            enum CodingKeys: String, CodingKey, CaseIterable { case path, rule, fingerprint, reason }
        }
    }

    /// Makes a project without settings.
    public init() {}

    /// Parses the text of a `thaw.toml`; `name` is its path in errors.
    public init(parsing text: String, name: String) throws(ProjectError) {
        let file: TOMLFile
        try Self.expectHeaders(text, name: name)
        do {
            file = try TOMLDecoder(strictDecoding: true).decode(TOMLFile.self, from: text)
        } catch let error as TOMLParseError {
            let reason = error.description.split(separator: "\n").first.map(String.init) ?? "it is not TOML"
            throw .notTOML(name, line: Int(error.source.begin.line), reason: reason)
        } catch let error as UnexpectedKeysError {
            throw .unknownKeys(name, Self.unknownKeys(error.keys, in: text))
        } catch let error as DecodingError {
            let key = Self.path(of: error)
            throw ProjectError.wrongValue(name, key: key, reason: Self.reason(of: error, key)).placed(in: text)
        } catch {
            throw .wrongValue(name, key: "", reason: "\(error)")
        }
        do throws(ProjectError) { try self.init(file, name: name) } catch { throw error.placed(in: text) }
    }
}

extension ProjectFile {
    /// Refuses table headers that the TOML parser can't read.
    static func expectHeaders(_ text: String, name: String) throws(ProjectError) {
        guard let line = TOMLHeaders.malformedLine(in: text) else { return }
        throw .notTOML(name, line: line, reason: "the name in a table's header begins with a wrong character")
    }
}

/// An error in `thaw.toml`.
public enum ProjectError: ReportableError, Sendable, Equatable {
    case notTOML(String, line: Int, reason: String)
    case unknownKeys(String, [UnknownKey])
    case wrongValue(String, key: String, reason: String, line: Int? = nil)
    case severalProbes(String, [String], line: Int? = nil)

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

    /// Returns the error with the line of its key.
    func placed(in text: String) -> ProjectError {
        let lines = ProjectLines(text)
        return switch self {
        case .wrongValue(let file, let key, let reason, nil):
            .wrongValue(file, key: key, reason: reason, line: lines.line(of: key))
        case .severalProbes(let file, let keys, nil):
            .severalProbes(file, keys, line: keys.last.flatMap { lines.line(of: "probe.\($0)") })
        default: self
        }
    }

    private static func place(_ file: String, _ line: Int?) -> String { file + (line.map { ":\($0)" } ?? "") }

    public var description: String {
        switch self {
        case .notTOML(let file, let line, let reason): "\(file):\(line): \(reason)"
        case .unknownKeys(let file, let keys):
            Self.text(ofUnknown: keys, in: file) { _ in "" }
        case .wrongValue(let file, let key, let reason, let line): "\(Self.place(file, line)): '\(key)': \(reason)"
        case .severalProbes(let file, let keys, let line):
            "\(Self.place(file, line)): [probe] has \(keys.joined(separator: " and ")), but only one probe is allowed"
        }
    }
}

// MARK: - The file as it is written

struct TOMLFile: Decodable {
    var build: ProjectFile.Build?
    var probe: Probe?
    var boot: BootSection?
    var slim: Slim?
    var optimize: OptimizeSection?
    var budget: BudgetSection?
    var waive: [WaiverSection]?
    var secrets: Secrets?

    struct Secrets: Decodable {
        var rule: [ProjectFile.Secrets.CustomSecretRule]?
        var allow: [ProjectFile.Secrets.AllowedSecret]?

        enum CodingKeys: String, CodingKey, CaseIterable { case rule, allow }
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case build, probe, boot, slim, optimize, budget, waive, secrets }

    /// The keys that the reader accepts, by section, for the test that compares them with ``ConfigSection``.
    static let acceptedKeys: [String: [String]] = [
        "": CodingKeys.allCases.map(\.rawValue),
        "build": ProjectFile.Build.CodingKeys.allCases.map(\.rawValue),
        "probe": Probe.CodingKeys.allCases.map(\.rawValue), "boot": BootSection.CodingKeys.allCases.map(\.rawValue),
        "slim": Slim.CodingKeys.allCases.map(\.rawValue),
        "optimize": OptimizeSection.CodingKeys.allCases.map(\.rawValue),
        "budget": BudgetSection.CodingKeys.allCases.map(\.rawValue),
        "waive": WaiverSection.CodingKeys.allCases.map(\.rawValue),
        "secrets": Secrets.CodingKeys.allCases.map(\.rawValue),
        "secrets.rule": ProjectFile.Secrets.CustomSecretRule.CodingKeys.allCases.map(\.rawValue),
        "secrets.allow": ProjectFile.Secrets.AllowedSecret.CodingKeys.allCases.map(\.rawValue),
    ]

    struct Probe: Decodable {
        var http: String?
        var tcp: Int?
        var exec: String?
        var log: String?
        var timeout: String?

        enum CodingKeys: String, CodingKey, CaseIterable { case http, tcp, exec, log, timeout }
    }

    struct BootSection: Decodable {
        var engine: String?
        var kernel: String?
        var runs: Int?
        var memory: Amount?
        var cpus: Int?
        var env: [String]?

        enum CodingKeys: String, CodingKey, CaseIterable { case engine, kernel, runs, memory, cpus, env }
    }

    struct Slim: Decodable {
        var keep: [String]?
        var include: [String]?
        var exclude: [String]?

        enum CodingKeys: String, CodingKey, CaseIterable { case keep, include, exclude }
    }

    struct OptimizeSection: Decodable {
        var cures: [String]?

        enum CodingKeys: String, CodingKey, CaseIterable { case cures }
    }
}

extension ProjectFile {
    private init(_ file: TOMLFile, name: String) throws(ProjectError) {
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
        boot = BootSection(
            engine: file.boot?.engine, kernel: file.boot?.kernel, runs: try positive(file.boot?.runs, "boot.runs"),
            memory: try bytes(file.boot?.memory?.text, "boot.memory"), cpus: try positive(file.boot?.cpus, "boot.cpus"),
            environment: file.boot?.env ?? [])
        slim = Slim(
            keep: file.slim?.keep ?? [], include: file.slim?.include ?? [], exclude: file.slim?.exclude ?? [])
        cures = file.optimize?.cures
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

    private static func probe(_ probe: TOMLFile.Probe?, name: String) throws(ProjectError) -> String? {
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
            let parents = path.filter { $0.intValue == nil }.map(\.stringValue).filter { $0 != key }
            return UnknownKey((parents + [key]).joined(separator: "."), in: lines)
        }.sorted { ($0.line ?? .max, $0.path) < ($1.line ?? .max, $1.path) }
    }

    static func path(of error: DecodingError) -> String {
        let context: DecodingError.Context? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        var names = (context?.codingPath ?? []).map(\.stringValue)
        // TOMLKit's path of a missing key, and of one with another type, has the key.
        if case .keyNotFound(let key, _) = error, names.last != key.stringValue { names.append(key.stringValue) }
        return names.filter { !$0.hasPrefix("Index ") }.joined(separator: ".")
    }

    private static func reason(of error: DecodingError, _ key: String) -> String {
        if let key = ConfigKey.named(key) { return "it must be \(key.form.words)" }
        if case .keyNotFound = error { return "it is missing" }
        if case .typeMismatch(let type, _) = error { return "the value is not of type \(type)" }
        return "the value cannot be read"
    }
}
