/// A package URL: `pkg:TYPE/NAMESPACE/NAME@VERSION?KEY=VALUE` (purl specification).
public struct PackageURL: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Makes a URL; empty parts are left out.
    ///
    /// - Parameters:
    ///   - type: The package manager or ecosystem: `deb`, `docker`.
    ///   - path: The components of the namespace, then the name.
    public init(_ type: String, path: [String], version: String, qualifiers: [(key: String, value: String)] = []) {
        let name = path.map { Self.encoded($0, also: ":") }.joined(separator: "/")
        let fields = qualifiers.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { key, value in
            "\(key)=\(Self.encoded(value))"
        }
        description =
            "pkg:\(type)/\(name)" + (version.isEmpty ? "" : "@\(Self.encoded(version, also: ":"))")
            + (fields.isEmpty ? "" : "?" + fields.joined(separator: "&"))
    }

    /// Encodes all bytes except letters, digits, `-._~` and those of `more` as `%HH`.
    private static func encoded(_ text: String, also more: String = "") -> String {
        text.utf8.map { byte in
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            let isPlain = isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            if isPlain || "-._~".utf8.contains(byte) || more.utf8.contains(byte) {
                return String(UnicodeScalar(byte))
            }
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (byte < 16 ? "0" : "") + hex
        }.joined()
    }
}

extension Reference {
    /// Returns the package URL of the image with this name for a platform, as BuildKit writes it.
    public func packageURL(for platform: Platform) -> PackageURL {
        let plain = (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
        let name = familiar.dropLast(plain.count)
        return PackageURL(
            "docker", path: name.split(separator: "/").map(String.init), version: tag ?? "",
            qualifiers: [("digest", digest?.description ?? ""), ("platform", platform.description)])
    }
}
