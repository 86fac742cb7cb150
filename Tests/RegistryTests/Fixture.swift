import HTTP
import Harness
import OCI
import Registry
import Support
import SystemPackage
import Testing

/// Debian's registry, started once for all tests without special settings.
enum Shared {
    static let plain = Result { try DockerRegistry() }

    /// Makes the name of a repository that no other test uses.
    static func reference(_ name: String, at registry: DockerRegistry? = nil) throws -> Reference {
        let host = try registry?.host ?? plain.get().host
        return try Reference("\(host)/\(name)-\(UInt32.random(in: 0 ... .max)):1")
    }

    static let isInstalled: ConditionTrait = .enabled(
        if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it")
}

/// Makes a configuration that reads no file of this machine and does not wait long.
func configuration(_ edit: (inout RegistryConfiguration) -> Void = { _ in }) -> RegistryConfiguration {
    var configuration = RegistryConfiguration()
    configuration.retry.first = .milliseconds(5)
    configuration.http.stallTimeout = .seconds(5)
    edit(&configuration)
    return configuration
}

extension Workspace {
    /// Makes an image whose layers have one file each, with as many random bytes as in `sizes`.
    func sample(_ sizes: [Int] = [10_000, 3_000_000, 0]) throws -> Image {
        var state = UInt64.random(in: 1 ... .max)
        return try image(
            sizes.enumerated().map { index, size in
                let content = (0..<size).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(truncatingIfNeeded: state >> 32)
                }
                return [try file("file\(index)", content)]
            }, compression: .gzip)
    }
}
