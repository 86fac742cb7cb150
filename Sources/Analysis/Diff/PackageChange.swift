/// A package that two images have in different versions, or one of them only.
public struct PackageChange: Sendable, Equatable {
    public let manager: Package.Manager
    public let name: String
    /// The versions in the first image, sorted; empty for an added package.
    public let before: [String]
    /// The versions in the second image, sorted; empty for a removed package.
    public let after: [String]
    /// The growth in bytes.
    public let growth: Int64

    /// Compares the packages of two images; the largest changes come first.
    static func all(_ old: [Package], _ new: [Package]) -> [PackageChange] {
        let (before, after) = (Dictionary(grouping: old, by: Key.init), Dictionary(grouping: new, by: Key.init))
        return Set(before.keys).union(after.keys).compactMap { key in
            let (one, other) = (before[key] ?? [], after[key] ?? [])
            let versions = (one.map(\.version).sorted(), other.map(\.version).sorted())
            guard versions.0 != versions.1 else { return nil }
            let growth = other.reduce(0) { $0 &+ $1.bytes } &- one.reduce(0) { $0 &+ $1.bytes }
            return PackageChange(
                manager: key.manager, name: key.name, before: versions.0, after: versions.1, growth: growth)
        }.sorted { left, right in
            (right.growth.magnitude, left.manager.rawValue, left.name)
                < (left.growth.magnitude, right.manager.rawValue, right.name)
        }
    }

    private struct Key: Hashable {
        let manager: Package.Manager
        let name: String

        init(_ package: Package) { (manager, name) = (package.manager, package.name) }
    }

    /// The change in one word.
    var word: String { before.isEmpty ? "added" : after.isEmpty ? "removed" : "changed" }
}
