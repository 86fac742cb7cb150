import Harness

/// A probe's result.
enum AttackResult: Sendable, Equatable {
    /// The kernel did it, or would have: the errno comes after the permission check.
    case allowed(String)
    /// The kernel refused; the text is the errno.
    case refused(String)
    /// The value of a fact; empty for none.
    case value(String)

    /// Parses the part of a line after the name: a word and a text.
    init?(_ word: Substring, _ text: Substring) {
        switch word {
        case "allowed": self = .allowed(String(text))
        case "refused": self = .refused(String(text))
        case "value": self = .value(text == "-" ? "" : String(text))
        default: return nil
        }
    }

    var isAllowed: Bool {
        if case .allowed = self { return true }
        return false
    }
}

/// A row of `attacks.txt`: a class of attacks, one input, and the condition for its result.
struct Attack: Sendable {
    let kind: String
    let input: String
    let condition: Condition
    /// Docker's results for root and for user 1000 of a container.
    let docker: [UInt32: AttackResult]

    /// All rows.
    static let table: [Attack] = {
        do {
            let text = try Program.shell("cat '\(Repository.path)/Tests/AttackTests/attacks.txt'")
            return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { try Attack(row: $0) }
        } catch {
            fatalError("attacks.txt: \(error)")
        }
    }()

    private init(row: Substring) throws {
        let columns = row.split(separator: " ")
        guard columns.count == 5, let condition = Condition(columns[2]) else {
            throw ProgramFailure(description: "'\(row)' is not a row of the attack table")
        }
        (kind, input, self.condition) = (String(columns[0]), String(columns[1]), condition)
        docker = [0: Self.answer(columns[3]), 1000: Self.answer(columns[4])]
    }

    private static func answer(_ text: Substring) -> AttackResult {
        let parts = text.split(separator: ":", maxSplits: 1)
        if parts.count == 2, let result = AttackResult(parts[0], parts[1]) { return result }
        return .value(text == "-" ? "" : String(text))
    }
}

/// The condition for a result.
enum Condition: Sendable, Equatable {
    case refused
    case asDocker
    case any
    case oneOf([String])
    case not(String)
    case words([String])
    case capabilities(UInt64)
    case groups(at: String)
    case mounts([String])
    case otherThanHost

    /// Parses a column of the table.
    init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let list = parts.count == 2 ? parts[1].split(separator: "|").map(String.init) : []
        switch (parts[0], parts.count) {
        case ("refused", 1): self = .refused
        case ("docker", 1): self = .asDocker
        case ("any", 1): self = .any
        case ("none", 1): self = .oneOf([""])
        case ("other-than-host", 1): self = .otherThanHost
        case ("one-of", 2): self = .oneOf(list)
        case ("not", 2): self = .not(parts[1])
        case ("words", 2): self = .words(list)
        case ("groups", 2): self = .groups(at: parts[1])
        case ("mounts", 2): self = .mounts(list)
        case ("bits", 2):
            guard let bits = UInt64(parts[1], radix: 16) else { return nil }
            self = .capabilities(bits)
        default: return nil
        }
    }

    /// True if a fact's value meets the condition.
    func holds(for text: String, host: String) -> Bool {
        let items = text.split(separator: ";").map(String.init)
        switch self {
        case .refused, .asDocker: return false
        case .any: return true
        case .oneOf(let texts): return texts.contains(text)
        case .not(let other): return text != other && !text.isEmpty
        case .words(let words): return items.allSatisfy(words.contains)
        case .capabilities(let bits): return UInt64(text, radix: 16).map { $0 & ~bits == 0 } ?? false
        case .groups(let place): return items.allSatisfy { $0.hasSuffix(":\(place)") }
        case .mounts(let kinds): return items.allSatisfy { Self.isOwn(mount: $0, kinds) }
        case .otherThanHost: return text != host && !text.isEmpty
        }
    }

    /// True if a mount `PLACE:KIND:rw` has a kind that each container has for itself, or is one of its name files.
    private static func isOwn(mount: String, _ kinds: [String]) -> Bool {
        let parts = mount.split(separator: ":").map(String.init)
        guard parts.count == 3 else { return false }
        return kinds.contains(parts[1]) || ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname"].contains(parts[0])
    }
}
