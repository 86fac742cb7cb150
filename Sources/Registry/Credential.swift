internal import FoundationEssentials

/// A user's credential for a registry, which is never printed.
public enum Credential: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    case password(user: String, String)
    /// A token that the registry's token server exchanges for others.
    case identityToken(String)

    public var description: String { "a credential" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// `user:password` in base 64, as in files and in `Authorization`.
    var basic: String? {
        guard case .password(let user, let password) = self else { return nil }
        return Data("\(user):\(password)".utf8).base64EncodedString()
    }

    /// Parses the form of ``basic``; nil if `text` is not in that form.
    init?(basic text: String) {
        guard let bytes = Data(base64Encoded: text) else { return nil }
        let plain = String(decoding: bytes, as: UTF8.self)
        guard let colon = plain.firstIndex(of: ":") else { return nil }
        // Docker's own files sometimes end with NULs.
        let password = plain[plain.index(after: colon)...].prefix { $0 != "\0" }
        self = .password(user: String(plain[..<colon]), String(password))
    }

    /// Every text that must not be printed.
    var secrets: [String] {
        switch self {
        case .password(_, let password): [password, basic ?? ""]
        case .identityToken(let token): [token]
        }
    }
}
