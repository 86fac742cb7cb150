public import Frontend
internal import Linux
internal import Project
public import SystemPackage

/// The settings of the linter for a Dockerfile: those of `.hadolint.yaml`.
public enum LintSettings {
    /// The names of the file, as hadolint looks for them.
    private static let names = [".hadolint.yaml", ".hadolint.yml"]
    private static let longest = 1 << 20

    /// Reads the file beside the Dockerfile, else that of the current directory.
    public static func find(for dockerfile: FilePath) throws -> LintConfiguration {
        let beside = dockerfile.removingLastComponent()
        for directory in [beside.isEmpty ? FilePath(".") : beside, FilePath(".")] {
            for name in names {
                let path = directory.appending(name)
                guard fileExists(path) else { continue }
                return try read(path)
            }
        }
        return LintConfiguration()
    }

    /// Reads a file.
    public static func read(_ path: FilePath) throws -> LintConfiguration {
        let bytes: [UInt8]
        do { bytes = try OwnedDescriptor(path).readAll(limit: longest) } catch {
            throw Failure("\(error)", status: .usage)
        }
        do {
            return configuration(try HadolintFile(parsing: String(decoding: bytes, as: UTF8.self)))
        } catch {
            throw Failure("\(path): \(error)", status: .usage)
        }
    }

    private static func configuration(_ file: HadolintFile) -> LintConfiguration {
        var result = LintConfiguration()
        result.ignored = Set(file.ignored).union(file.severities.filter { $0.value == "ignore" }.keys)
        result.severities = file.severities.compactMapValues { LintSeverity(rawValue: $0) }
        result.trustedRegistries = file.trustedRegistries
        result.labels = file.labels.compactMapValues { LintConfiguration.LabelType(rawValue: $0) }
        result.hasStrictLabels = file.hasStrictLabels
        result.disablesPragmas = file.disablesPragmas
        if let name = file.failureThreshold {
            // `ignore` and `none` are no severities.
            result.failureThreshold = name == "ignore" ? .style : LintSeverity(rawValue: name)
        }
        return result
    }
}
