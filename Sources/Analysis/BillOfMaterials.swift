internal import ImageFiles
internal import Linux
public import OCI

/// The packages of an image and its distribution, for a bill of materials (SPDX 2.3, CycloneDX 1.6).
public struct BillOfMaterials: Sendable {
    /// The packages, each release once.
    public let packages: [Package]
    /// `ID` of os-release; empty without one.
    public let distribution: String
    /// `VERSION_ID` of os-release; empty without one.
    public let release: String

    /// Reads every layer of an image once, or takes the facts that `store` has kept.
    public init(of image: Image, keptIn store: Store? = nil) async throws {
        let search = store == nil ? nil : SecretPolicy.standard.search
        let files = try await ImageFiles(of: image, search: search, readsPrograms: false, keptIn: store)
        self = try await Offload.run { try BillOfMaterials(of: files) }
    }

    /// Lists the packages of files that were read.
    init(of files: ImageFiles) throws {
        let values = Self.values(try files.image.contents(of: "etc/os-release", in: files.tree) ?? [])
        (distribution, release) = (values["ID"] ?? "", values["VERSION_ID"] ?? "")
        packages = PackageScanner(files, LiveFiles(files.tree)).packages
    }

    /// Parses `NAME=value` lines, of which values may have quotes (os-release(5)).
    private static func values(_ text: [UInt8]) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1).map {
                String(decoding: $0, as: UTF8.self)
            }
            if parts.count == 2 { values[parts[0]] = parts[1].filter { $0 != "\"" && $0 != "'" } }
        }
        return values
    }

    /// Returns the package URL of one of the packages.
    func packageURL(of package: Package) -> PackageURL {
        let system = distribution.isEmpty ? "" : distribution + (release.isEmpty ? "" : "-\(release)")
        let qualifiers = [("arch", package.architecture ?? ""), ("distro", system)]
        func url(
            _ type: String, _ path: [String], with qualifiers: [(key: String, value: String)] = []
        ) -> PackageURL {
            PackageURL(type, path: path, version: package.version, qualifiers: qualifiers)
        }
        switch package.manager {
        case .apk: return url("apk", [distribution.isEmpty ? "alpine" : distribution, package.name], with: qualifiers)
        case .dpkg: return url("deb", [distribution.isEmpty ? "debian" : distribution, package.name], with: qualifiers)
        case .npm: return url("npm", package.name.split(separator: "/").map(String.init))
        case .composer: return url("composer", package.name.split(separator: "/").map(String.init))
        case .conda: return url("conda", [package.name])
        case .gem: return url("gem", [package.name])
        case .go: return url("golang", package.name.split(separator: "/").map(String.init))
        case .maven: return url("maven", package.name.split(separator: "/").map(String.init))
        case .nuget: return url("nuget", [package.name])
        case .python: return url("pypi", [String(package.name.lowercased().map { $0 == "_" ? "-" : $0 })])
        }
    }
}
