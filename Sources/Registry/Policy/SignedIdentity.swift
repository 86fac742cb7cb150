internal import Linux
internal import OCI

/// The rule by which the name in a signature must suit the name of the image (containers-policy.json(5)).
enum SignedIdentity: Sendable, Hashable {
    /// The same name with the same tag or digest.
    case exact
    /// The same name with the same tag, or for an image by digest the same repository; the default.
    case repositoryDigestOrExact
    /// The same repository.
    case repository
    /// This name.
    case reference(Reference)
    /// This repository, as `HOST/PATH`.
    case inRepository(String)
    /// As by default, with a prefix of the image's name replaced.
    case remapped(prefix: String, signedPrefix: String)

    /// Parses a requirement's `signedIdentity`; nil for one that is malformed or of an unknown type.
    init?(_ json: JSON?) {
        guard let json else {
            self = .repositoryDigestOrExact
            return
        }
        switch json["type"]?.string {
        case "matchExact": self = .exact
        case "matchRepoDigestOrExact": self = .repositoryDigestOrExact
        case "matchRepository": self = .repository
        case "exactReference":
            guard let name = json["dockerReference"]?.string.flatMap({ try? Reference($0) }) else {
                return nil
            }
            self = .reference(name)
        case "exactRepository":
            guard let name = json["dockerRepository"]?.string.flatMap({ try? Reference($0) }) else {
                return nil
            }
            self = .inRepository("\(name.host)/\(name.path)")
        case "remapIdentity":
            guard let prefix = json["prefix"]?.string, let signed = json["signedPrefix"]?.string else {
                return nil
            }
            self = .remapped(prefix: prefix, signedPrefix: signed)
        default: return nil
        }
    }

    /// True if a signature that names no image, only its digest, is enough.
    ///
    /// It can't show that it was meant for a tag or for another place. The registry's repository has it, no more.
    var acceptsUnnamed: Bool { self == .repository }

    /// True if a signature for the name `signed` is one for `image`.
    func accepts(_ signed: String, for image: Reference) -> Bool {
        guard let name = try? Reference(signed) else { return false }
        // cosign writes only the repository, which is not a name with the tag `latest`.
        let last: Substring = signed.split(separator: "/").last ?? ""
        let isExact = last.contains(":") || last.contains("@")
        let place = { (name: Reference) -> String in "\(name.host)/\(name.path)" }
        switch self {
        case .exact: return isExact && name == image
        case .repositoryDigestOrExact:
            return image.digest == nil ? isExact && name == image : place(name) == place(image)
        case .repository: return place(name) == place(image)
        case .reference(let wanted): return isExact && name == wanted
        case .inRepository(let wanted): return place(name) == wanted
        case .remapped(let prefix, let signedPrefix):
            let text = image.description
            let rest = text.dropFirst(prefix.count)
            guard text.hasPrefix(prefix),
                rest.isEmpty || rest.first == "/" || rest.first == ":" || rest.first == "@"
            else { return Self.repositoryDigestOrExact.accepts(signed, for: image) }
            guard let renamed = try? Reference(signedPrefix + String(rest)) else { return false }
            return Self.repositoryDigestOrExact.accepts(signed, for: renamed)
        }
    }
}
