/// A `--mount=` of RUN with its values expanded and checked.
public struct MountSpec: Hashable, Sendable {
    /// The type of a mount.
    public enum Kind: String, Sendable, CaseIterable { case bind, cache, tmpfs, secret, ssh }
    /// The use of a cache by several steps at once.
    public enum Sharing: String, Sendable, CaseIterable { case shared, `private`, locked }

    /// `type=`.
    public private(set) var kind = Kind.bind
    /// `from=`: a stage, a named context or an image.
    public private(set) var from: Word?
    /// `source=`, "" for the root of the source.
    public private(set) var source = ""
    /// `target=`, "" for the default.
    public private(set) var target = ""
    /// True if the process cannot write to the mount.
    public private(set) var isReadOnly = true
    /// `id=`, "" for the default.
    public private(set) var id = ""
    /// `sharing=`, by default shared.
    public private(set) var sharing = Sharing.shared
    /// `required`: an absent secret or agent is an error.
    public private(set) var isRequired = false
    /// `mode=`.
    public private(set) var mode: UInt32?
    /// `uid=`.
    public private(set) var uid: UInt32?
    /// `gid=`.
    public private(set) var gid: UInt32?
    /// `size=` of a tmpfs in bytes, 0 for no limit.
    public private(set) var size: Int64 = 0
    /// `env=` of a secret: the variable with its value, "" for a variable named like the id.
    public private(set) var environmentName: String?

    private var explicitReadOnly: Bool?
    private var explicitSharing: Sharing?

    private static let keys = [
        "type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode", "uid", "gid",
        "src", "dst", "destination", "ro", "rw", "readwrite", "env",
    ]

    init(_ flag: MountFlag, expand: (Word) throws(Diagnostic) -> String) throws(Diagnostic) {
        for field in flag.fields {
            guard let value = field.value else {
                try setBare(field, flag)
                continue
            }
            let text = field.key == "from" ? value.text : try expand(value)
            try set(field, to: text, of: value)
        }
        try validate(flag.word.position)
    }

    private mutating func setBare(_ field: MountFlag.MountField, _ flag: MountFlag) throws(Diagnostic) {
        switch field.key {
        case "readonly", "ro": explicitReadOnly = true
        case "readwrite", "rw": explicitReadOnly = false
        case "required" where kind == .secret || kind == .ssh: isRequired = true
        case "env" where kind == .secret: environmentName = ""
        case "required", "env":
            throw Diagnostic(flag.word.position, "unexpected key '\(field.key)' for mount type '\(kind.rawValue)'")
        default:
            throw Diagnostic(flag.word.position, "invalid field '\(field.text)' must be a key=value pair")
        }
    }

    private mutating func set(_ field: MountFlag.MountField, to text: String, of word: Word) throws(Diagnostic) {
        switch field.key {
        case "type": kind = try choice(text, of: word, complaint: "unsupported mount type")
        case "sharing": explicitSharing = try choice(text, of: word, complaint: "unsupported sharing value")
        case "from": from = text.isEmpty ? nil : Word(text, at: word.position)
        case "source", "src": source = text
        case "target", "dst", "destination": target = text
        case "id": id = text
        case "readonly", "ro": explicitReadOnly = try bool(field, text: text, of: word)
        case "readwrite", "rw": explicitReadOnly = try !bool(field, text: text, of: word)
        case "mode": mode = try number(text, radix: 8, for: field, of: word)
        case "uid": uid = try number(text, radix: 10, for: field, of: word)
        case "gid": gid = try number(text, radix: 10, for: field, of: word)
        case "size" where kind == .tmpfs: size = try bytes(field, text: text, of: word)
        case "required" where kind == .secret || kind == .ssh: isRequired = try bool(field, text: text, of: word)
        case "env" where kind == .secret: environmentName = text
        case "size", "required", "env":
            throw Diagnostic(word.position, "unexpected key '\(field.key)' for mount type '\(kind.rawValue)'")
        default:
            let ending = Suggestion.ending(for: field.key, in: Self.keys)
            throw Diagnostic(word.position, "unexpected key '\(field.key)' in '\(field.text)'\(ending)")
        }
    }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, of word: Word, complaint: String
    ) throws(Diagnostic) -> Choice {
        if let choice = Choice(rawValue: text.asciiLowercased) { return choice }
        let ending = Suggestion.ending(for: text, in: Choice.allCases.map(\.rawValue))
        throw Diagnostic(word.position, "\(complaint) \(text.goQuoted)\(ending)")
    }

    /// Parses a Boolean like Go's `strconv.ParseBool`.
    private func bool(_ field: MountFlag.MountField, text: String, of word: Word) throws(Diagnostic) -> Bool {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        default: throw Diagnostic(word.position, "invalid value for \(field.key): \(text)")
        }
    }

    private func number(
        _ text: String, radix: Int, for field: MountFlag.MountField, of word: Word
    ) throws(Diagnostic) -> UInt32 {
        guard text.utf8.allSatisfy(\.isDigit), let value = UInt32(text, radix: radix) else {
            throw Diagnostic(word.position, "invalid value \(text) for \(field.key)")
        }
        return value
    }

    private func bytes(_ field: MountFlag.MountField, text: String, of word: Word) throws(Diagnostic) -> Int64 {
        guard let bytes = MemorySizeText.bytes(text) else {
            throw Diagnostic(word.position, "invalid value for \(field.key): \(text)")
        }
        return bytes
    }

    private mutating func validate(_ position: Position) throws(Diagnostic) {
        func refuse(_ message: String) throws(Diagnostic) { throw Diagnostic(position, message) }
        if kind == .bind || kind == .tmpfs {
            for (name, value) in [("mode", mode), ("uid", uid), ("gid", gid)] where value != nil {
                try refuse("\(name) not allowed for \(kind.rawValue.goQuoted) type mounts")
            }
        }
        isReadOnly = explicitReadOnly ?? (kind != .cache && kind != .tmpfs)
        if kind == .secret {
            if from != nil { try refuse("secret mount should not have a from") }
            if explicitSharing != nil { try refuse("secret mount should not define sharing") }
            if source.isEmpty && target.isEmpty && id.isEmpty && (environmentName ?? "").isEmpty {
                try refuse("invalid secret mount. one of source, target required")
            }
            if !source.isEmpty && !id.isEmpty { try refuse("both source and id can't be set") }
        }
        if explicitSharing != nil && kind != .cache {
            try refuse("invalid cache sharing set for \(kind.rawValue) mount")
        }
        sharing = explicitSharing ?? .shared
    }
}
