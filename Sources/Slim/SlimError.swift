public import OCI

/// The reason that an image cannot be slimmed.
public enum SlimError: Error, Sendable, Equatable, CustomStringConvertible {
    case nothingToRun
    case programMissing(String)
    case malformedPattern(String, reason: String)
    case unknownKeepOption(String)
    /// A file that `--exclude` matches and that a kept one needs, with the reasons up to the program.
    case excludedNeeded(ImagePath, chain: [String])
    case notSame([InvariantViolation])

    public var description: String {
        switch self {
        case .nothingToRun: "the image has no entrypoint and no command, so the files that it needs are unknown"
        case .programMissing(let name): "the image's program '\(name)' is not in the image"
        case .malformedPattern(let text, let reason): "'\(text)' is not a path pattern: \(reason)"
        case .unknownKeepOption(let name):
            "unknown kind of files to keep '\(name)': use \(KeepOption.allCases.map(\.rawValue).joined(separator: ", "))"
        case .excludedNeeded(let path, let chain):
            "--exclude matches \(path), which is needed: \(chain.joined(separator: "; "))"
        case .notSame(let violations):
            "the slim image violates "
                + (violations.count == 1 ? "an invariant: " : "\(violations.count) invariants, the first: ")
                + (violations.first?.description ?? "none")
        }
    }
}
