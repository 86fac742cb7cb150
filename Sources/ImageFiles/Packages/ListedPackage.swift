/// A package that a file in the image lists.
public struct ListedPackage: Sendable, Hashable {
    /// The ecosystem whose tool made the list.
    public enum Ecosystem: String, Sendable, CaseIterable {
        case composer, conda, gem, go, maven, npm, nuget, python
    }

    public let ecosystem: Ecosystem
    public let name: String
    /// The version, as written.
    public let version: String
    /// The license, as written; nil if the list has none.
    public let license: String?
    /// The size in bytes, if the list has it.
    public let byteCount: Int64?

    /// Makes a package of these values.
    public init(
        _ ecosystem: Ecosystem, name: String, version: String, license: String? = nil, byteCount: Int64? = nil
    ) {
        (self.ecosystem, self.name, self.version) = (ecosystem, name, version)
        self.license = license.flatMap { $0.isEmpty ? nil : $0 }
        self.byteCount = byteCount
    }
}
