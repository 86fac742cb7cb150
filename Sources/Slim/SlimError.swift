/// Why an image cannot be slimmed.
public enum SlimError: Error, Sendable, Equatable, CustomStringConvertible {
    case nothingToRun
    case programMissing(String)
    case malformedPattern(String, reason: String)
    case unknownExtra(String)
    case notSame([Violation])
    /// The original itself does not answer as it should, so nothing can be proved by it.
    case notServing(String)

    public var description: String {
        switch self {
        case .nothingToRun: "the image has no entrypoint and no command, so nothing tells which files it needs"
        case .programMissing(let name): "the image's program '\(name)' is not in the image"
        case .malformedPattern(let text, let reason): "'\(text)' is not a path pattern: \(reason)"
        case .unknownExtra(let name):
            "'\(name)' is nothing that can be kept: \(Extra.allCases.map(\.rawValue).joined(separator: ", ")) are known"
        case .notServing(let objection): "the original image does not pass what it is asked: \(objection)"
        case .notSame(let violations):
            "the slim image breaks "
                + (violations.count == 1 ? "a promise: " : "\(violations.count) promises, the first: ")
                + (violations.first?.description ?? "none")
        }
    }
}
