/// A platform in the form of the predefined arguments.
public struct PlatformArguments: Hashable, Sendable {
    /// The operating system, such as `linux`.
    public var os: String
    /// The architecture, such as `amd64`.
    public var architecture: String
    /// The variant, such as `v8`, or "".
    public var variant: String
    /// The version of the operating system, or "".
    public var osVersion: String

    public init(os: String, architecture: String, variant: String = "", osVersion: String = "") {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
    }

    /// The platform as text, such as `linux/arm64/v8`.
    public var text: String { variant.isEmpty ? "\(os)/\(architecture)" : "\(os)/\(architecture)/\(variant)" }
}

/// The arguments of a build from outside the Dockerfile.
public struct BuildArguments: Sendable {
    /// The values of `--build-arg NAME=value`.
    public var values: [String: String]
    /// The platform on which the build runs.
    public var build: PlatformArguments
    /// The platform of the image.
    public var target: PlatformArguments
    /// `--target`; nil for the last stage.
    public var targetStage: String?

    /// Makes the arguments; by default the target platform is the build platform.
    public init(
        values: [String: String] = [:], build: PlatformArguments, target: PlatformArguments? = nil,
        targetStage: String? = nil
    ) {
        self.values = values
        self.build = build
        self.target = target ?? build
        self.targetStage = targetStage
    }

    /// Returns the values of BUILDPLATFORM, TARGETPLATFORM and similar names, overridden by build arguments.
    ///
    /// - Parameter lastStage: The name of the last stage, which is built without `--target`; nil if it has none.
    public func predefined(lastStage: String?) -> [String: String] {
        var result = ["TARGETSTAGE": targetStage ?? lastStage ?? "default"]
        for (prefix, platform) in [("BUILD", build), ("TARGET", target)] {
            result["\(prefix)PLATFORM"] = platform.text
            result["\(prefix)OS"] = platform.os
            result["\(prefix)ARCH"] = platform.architecture
            result["\(prefix)VARIANT"] = platform.variant
            result["\(prefix)OSVERSION"] = platform.osVersion
        }
        return result.merging(values.filter { result[$0.key] != nil }) { $1 }
    }

    /// The names that FROM lines may use without an ARG line.
    static let predefinedNames =
        ["BUILD", "TARGET"].flatMap { prefix in
            ["PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION"].map { prefix + $0 }
        } + ["TARGETSTAGE"]

    /// True for an argument that has an effect without an ARG line.
    public static func isBuiltIn(_ name: String) -> Bool {
        name.utf8.starts(with: "BUILDKIT_".utf8) || name == "SOURCE_DATE_EPOCH" || predefinedNames.contains(name)
            || proxyNames.contains(name.asciiUppercased)
    }

    private static let proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"]

    /// The given proxy arguments, in both letter cases; RUN has them, but history and cache keys don't.
    public var proxyEnvironment: [Variable] {
        var result: [Variable] = []
        for name in Self.proxyNames {
            let lower = name.asciiLowercased
            guard let value = values[name] ?? values[lower] else { continue }
            result += [Variable(name, value), Variable(lower, value)]
        }
        return result
    }
}

/// A name with a value.
public struct Variable: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Parses `NAME=value`; without `=` the value is empty.
    public init(_ text: String) {
        (name, value) = text.cut(Ascii.equals) ?? (text, "")
    }

    /// The variable as `NAME=value`.
    public var description: String { "\(name)=\(value)" }
}
