/// A platform as the predefined arguments name it.
public struct PlatformArguments: Hashable, Sendable {
    /// `linux`.
    public var os: String
    /// `amd64`.
    public var architecture: String
    /// `v8`, or "".
    public var variant: String
    /// The version of the operating system, or "".
    public var osVersion: String

    /// A platform.
    public init(os: String, architecture: String, variant: String = "", osVersion: String = "") {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
    }

    /// `linux/arm64/v8`.
    public var text: String { variant.isEmpty ? "\(os)/\(architecture)" : "\(os)/\(architecture)/\(variant)" }
}

/// What a build brings from outside the file.
public struct BuildArguments: Sendable {
    /// `--build-arg NAME=value`.
    public var values: [String: String]
    /// Where the build runs.
    public var build: PlatformArguments
    /// What the image is for.
    public var target: PlatformArguments
    /// `--target`, or `default`.
    public var targetStage: String

    /// The outside of a build; the target platform is the build platform unless given.
    public init(
        values: [String: String] = [:], build: PlatformArguments, target: PlatformArguments? = nil,
        targetStage: String? = nil
    ) {
        self.values = values
        self.build = build
        self.target = target ?? build
        self.targetStage = targetStage ?? "default"
    }

    /// The values of BUILDPLATFORM, TARGETPLATFORM and their kin, build arguments applied.
    public var predefined: [String: String] {
        var result = ["TARGETSTAGE": targetStage]
        for (prefix, platform) in [("BUILD", build), ("TARGET", target)] {
            result["\(prefix)PLATFORM"] = platform.text
            result["\(prefix)OS"] = platform.os
            result["\(prefix)ARCH"] = platform.architecture
            result["\(prefix)VARIANT"] = platform.variant
            result["\(prefix)OSVERSION"] = platform.osVersion
        }
        return result.merging(values.filter { result[$0.key] != nil }) { $1 }
    }

    /// The names that a file may use without an ARG line of its own in global scope.
    static let predefinedNames =
        ["BUILD", "TARGET"].flatMap { prefix in
            ["PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION"].map { prefix + $0 }
        } + ["TARGETSTAGE"]

    /// The proxy arguments given, in both cases; RUN sees them, history and cache keys don't.
    public var proxyEnvironment: [Variable] {
        var result: [Variable] = []
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"] {
            let lower = name.asciiLowercased
            guard let value = values[name] ?? values[lower] else { continue }
            result += [Variable(name, value), Variable(lower, value)]
        }
        return result
    }
}

/// A name with a value.
public struct Variable: Hashable, Sendable, CustomStringConvertible {
    /// The name.
    public let name: String
    /// The value.
    public let value: String

    /// A variable.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// A variable from `NAME=value`; without `=` the value is empty.
    public init(_ text: String) {
        (name, value) = text.cut(Ascii.equals) ?? (text, "")
    }

    /// `NAME=value`.
    public var description: String { "\(name)=\(value)" }
}
