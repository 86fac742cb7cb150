internal import Glibc
internal import Linux
internal import SystemPackage

/// The source of a `--secret`, read only when a command needs it; the bytes enter no key, layer or log.
public enum Secret: Sendable, Hashable, Codable {
    /// A file.
    case file(String)
    /// A variable of this process.
    case environment(String)

    /// The size limit of a secret in bytes (BuildKit's).
    public static let limit = 500 << 10

    /// Reads the secret's bytes.
    ///
    /// - Throws: ``BuildError/badSecret(_:reason:)`` if they can't be read or exceed ``limit``.
    public func bytes(id: String) throws -> [UInt8] {
        switch self {
        case .file(let path):
            do throws(SystemError) {
                return try OwnedDescriptor(FilePath(path)).readAll(limit: Self.limit)
            } catch {
                let reason = error.errno == .fileTooLarge ? "'\(path)' is larger than 500 KiB" : "\(error)"
                throw BuildError.badSecret(id, reason: reason)
            }
        case .environment(let name):
            guard let value = unsafe getenv(name) else {
                throw BuildError.badSecret(id, reason: "the variable \(name) is not set")
            }
            return Array(unsafe String(cString: value).utf8)
        }
    }
}
