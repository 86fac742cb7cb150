import CVersion

extension Thaw {
    /// The version of this build: that of the tag, or the constant of Package.swift.
    static let version = unsafe String(cString: cversion())
}
