internal import Glibc
internal import Linux
internal import SystemPackage

/// A `--secret`: where its bytes are. They are read when a command needs them, and enter no key, layer or log.
public enum Secret: Sendable, Hashable, Codable {
    /// A file.
    case file(String)
    /// A variable of this process.
    case environment(String)

    /// More is no secret (BuildKit's limit).
    public static let limit = 500 << 10

    /// The bytes.
    ///
    /// - Throws: ``BuildError/badSecret(_:reason:)`` where they can't be read or are more than ``limit``.
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
