/// The platform of an image, as `OS/ARCH[/VARIANT]` (OCI image spec, image index, platform).
public struct Platform: Hashable, Sendable, CustomStringConvertible {
    /// The operating system: `linux`.
    public var os: String
    /// The architecture as GOARCH: `amd64`, `arm64`.
    public var architecture: String
    /// The variant: `v7`, `v8`, or nil.
    public var variant: String?

    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Parses `OS/ARCH[/VARIANT]`, also with the usual other names of architectures.
    public init(_ text: String) throws(OCIError) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { throw .malformedPlatform(text) }
        let aliases = ["x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"]
        self.init(os: parts[0], architecture: aliases[parts[1]] ?? parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    /// The platform that this program was compiled for.
    public static var host: Platform {
        #if arch(arm64)
            Platform(os: "linux", architecture: "arm64", variant: "v8")
        #else
            Platform(os: "linux", architecture: "amd64")
        #endif
    }

    public var description: String { ([os, architecture] + (variant.map { [$0] } ?? [])).joined(separator: "/") }

    /// Returns the rank of an image for `other` on this platform: 0 is best, nil if it does not run.
    ///
    /// The order is Docker's: an older variant of the architecture, then the 32-bit one that such processors also run.
    public func rank(of other: Platform) -> Int? {
        os == other.os ? runnable.firstIndex(of: other.normalized) : nil
    }

    /// True if an image for `other` runs here: same system and architecture, and no contradiction in the variant.
    public func accepts(_ other: Platform) -> Bool {
        os == other.os && architecture == other.architecture
            && (variant == nil || other.variant == nil || variant == other.variant)
    }

    /// The platforms that run here, best first.
    private var runnable: [Platform] {
        func variants(_ architecture: String, upTo newest: String?, from oldest: Int) -> [Platform] {
            // No architecture has more variants; a document may have any number.
            let newest = min(16, newest.flatMap { Int($0.drop { $0 == "v" }) } ?? oldest)
            return stride(from: newest, through: oldest, by: -1).map { version in
                Platform(os: os, architecture: architecture, variant: "v\(version)").normalized
            }
        }
        let own = normalized
        switch architecture {
        case "amd64":
            return [own] + variants("amd64", upTo: own.variant, from: 1) + [Platform(os: os, architecture: "386")]
        case "arm64":
            return [own] + variants("arm64", upTo: own.variant, from: 8) + variants("arm", upTo: "v8", from: 5)
        case "arm": return [own] + variants("arm", upTo: own.variant, from: 5)
        default: return [own]
        }
    }

    /// The platform with the default variant if none is written, and without a variant that is the default.
    private var normalized: Platform {
        var platform = self
        switch (architecture, variant) {
        case ("amd64", "v1"), ("arm64", "v8"), ("arm64", "8"): platform.variant = nil
        case ("arm", nil), ("arm", ""): platform.variant = "v7"
        case ("arm", let variant?) where !variant.hasPrefix("v"): platform.variant = "v" + variant
        default: break
        }
        return platform
    }
}
