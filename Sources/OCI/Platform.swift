/// What an image runs on, as `OS/ARCH[/VARIANT]` (OCI image spec, image index, platform).
public struct Platform: Hashable, Sendable, CustomStringConvertible {
    /// `linux`.
    public var os: String
    /// GOARCH: `amd64`, `arm64`.
    public var architecture: String
    /// `v7`, `v8`, or nil.
    public var variant: String?

    /// A platform of known parts.
    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Reads `OS/ARCH[/VARIANT]`, accepting the usual other names of architectures.
    public init(_ text: String) throws(OCIError) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { throw .malformedPlatform(text) }
        let aliases = ["x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"]
        self.init(os: parts[0], architecture: aliases[parts[1]] ?? parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    /// The machine this program was compiled for.
    public static var host: Platform {
        #if arch(arm64)
            Platform(os: "linux", architecture: "arm64", variant: "v8")
        #else
            Platform(os: "linux", architecture: "amd64")
        #endif
    }

    public var description: String { ([os, architecture] + (variant.map { [$0] } ?? [])).joined(separator: "/") }

    /// Whether an image for `other` runs here: same system and architecture, and no contradiction in the variant.
    public func accepts(_ other: Platform) -> Bool {
        os == other.os && architecture == other.architecture
            && (variant == nil || other.variant == nil || variant == other.variant)
    }
}
