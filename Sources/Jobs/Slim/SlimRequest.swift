internal import Analysis
public import OCI
public import Slim

/// The name of a slim image: the one of `-t`, or `NAME:slim`.
public struct SlimName: Sendable {
    /// The name in the store.
    public let reference: Reference
    /// True if the user chose it.
    public let isRequested: Bool
    private let isSource: Bool

    /// Makes the name of the slim form of `source`.
    ///
    /// - Parameters:
    ///   - requested: The name of `-t`.
    ///   - replaces: True if the slim image may take the name of its source.
    public init(_ requested: String?, of source: Transport, replaces: Bool) throws {
        let original = source.reference
        if let requested {
            reference = try Jobs.reference(requested)
        } else if let original {
            reference = try Reference("\(original.host)/\(original.path):slim")
        } else {
            throw Failure(
                "the slim image has no name: its source is a file or a directory", remedy: "add -t NAME", status: .usage
            )
        }
        isRequested = requested != nil
        if case .store = source { isSource = !replaces && reference == original } else { isSource = false }
    }

    /// Throws if the slim image would replace its source.
    public func expectOther() throws {
        guard isSource else { return }
        throw Failure(
            "the slim image would replace its source '\(reference.familiar)'", remedy: "add -t NAME, or --replace",
            status: .usage)
    }
}

extension Transport {
    /// The name of the image; nil for a file or a directory.
    fileprivate var reference: Reference? {
        switch self {
        case .store(let name), .docker(let name), .podman(let name), .registry(let name): name
        case .layout, .ociArchive, .dockerArchive: nil
        }
    }
}

extension Image {
    /// True for an image that slimming made.
    public var isSlim: Bool {
        config.history.last { $0.comment != "thaw cure" }?.comment == "thaw slim"
    }
}

extension SlimLayers {
    /// Returns the layers that a name means for an image.
    public init(named name: String, of image: Image, in store: Store) throws {
        switch name {
        case "flat": self = .flat
        case "auto": self = .auto
        case "keep":
            guard let count = try AnalyzeJob(in: store).base(of: image).layerCount else {
                throw Failure(
                    "the base image of this image is not known", remedy: "pull the base first, or use --layers auto",
                    status: .usage)
            }
            // At least one layer is written, and it may be the only one.
            self = .keep(min(count, image.layers.count - 1))
        default: throw Failure("layers '\(name)' are not one of keep, flat, auto", status: .usage)
        }
    }
}

extension SlimLevel {
    /// Returns the level that a name means; nil for the default.
    public init?(named name: String?) throws {
        guard let name else { return nil }
        guard let level = SlimLevel(rawValue: name) else {
            throw Failure(
                "level '\(name)' is not one of \(SlimLevel.allCases.map(\.rawValue).joined(separator: ", "))",
                status: .usage)
        }
        self = level
    }

    /// The level without `--level`: `trace` if a proof with observed files decides, `closure` if it can't observe or
    /// is waived, else `safe`.
    ///
    /// - Parameters:
    ///   - isProbed: True if both images are started and compared.
    ///   - observes: True if the files that the original opens are kept.
    ///   - isVerified: False if the user waives the proof.
    public static func standard(isProbed: Bool, observes: Bool, isVerified: Bool) -> SlimLevel {
        if isProbed, observes, isVerified { return .trace }
        return isProbed || !isVerified ? .closure : .safe
    }

    /// Throws if an image of this level would be stored without a proof.
    public func expectProof(isProbed: Bool, isVerified: Bool) throws {
        guard self != .safe, !isProbed, isVerified else { return }
        throw Failure(
            "level \(rawValue) without a probe proves nothing, so no image would be stored",
            remedy: "add --probe or --exec, or use --level safe or --no-verify", status: .usage)
    }
}
