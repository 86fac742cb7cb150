public import Slim

/// The choice of cures by `--cures` or by `thaw.toml`.
public enum CureChoice: Sendable, Equatable {
    /// Only a list of them is wanted.
    case list
    /// These, in the order of all.
    case names(Set<String>)
    /// All of them.
    case all

    /// Parses `list`, `all`, `none` or `NAME,…`; an option has precedence over the file's names.
    public init(_ option: String?, _ file: [String]?) throws {
        switch option {
        case "list"?: self = .list
        case "all"?: self = .all
        case "none"?: self = .names([])
        case let text?: self = try .named(text.split(separator: ",").map(String.init))
        case nil: self = try file.map(Self.named) ?? .all
        }
    }

    private static func named(_ names: [String]) throws -> CureChoice {
        if names == ["all"] { return .all }
        let known = Cures.all.map(\.name)
        if let wrong = names.first(where: { !known.contains($0) }) {
            throw Failure(
                "unknown cure '\(wrong)'", remedy: "use \((known + ["all", "none", "list"]).joined(separator: ", "))",
                status: .usage)
        }
        return .names(Set(names))
    }

    /// The cures to try.
    public var cures: [any Cure] {
        switch self {
        case .list, .all: Cures.all
        case .names(let names): Cures.all.filter { names.contains($0.name) }
        }
    }

    /// All cures, a line each.
    public static var listing: String {
        let width = Cures.all.map(\.name.count).max() ?? 0
        return Cures.all.map { $0.name.padded(to: width + 2) + $0.summary }.joined(separator: "\n")
    }
}
