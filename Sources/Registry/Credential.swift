internal import FoundationEssentials

/// Who we are to a registry. Never shown.
public enum Credential: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    case password(user: String, String)
    /// A token with which the registry's token server is asked for others.
    case identityToken(String)

    public var description: String { "a credential" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// `user:password` in base 64, as files and `Authorization` have it.
    var basic: String? {
        guard case .password(let user, let password) = self else { return nil }
        return Data("\(user):\(password)".utf8).base64EncodedString()
    }

    /// Reads what ``basic`` writes; nil where it is no such thing.
    init?(basic text: String) {
        guard let bytes = Data(base64Encoded: text) else { return nil }
        let plain = String(decoding: bytes, as: UTF8.self)
        guard let colon = plain.firstIndex(of: ":") else { return nil }
        // Docker's own files sometimes end with NULs.
        let password = plain[plain.index(after: colon)...].prefix { $0 != "\0" }
        self = .password(user: String(plain[..<colon]), String(password))
    }

    /// Every text that must not be shown.
    var secrets: [String] {
        switch self {
        case .password(_, let password): [password, basic ?? ""]
        case .identityToken(let token): [token]
        }
    }
}
