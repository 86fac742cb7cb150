import CVersion

extension Thaw {
    /// The version of this build: that of the tag, or the constant of Package.swift; with the commit of a release.
    static let version: String = {
        let (version, commit) = unsafe (String(cString: cversion()), String(cString: ccommit()))
        return commit.isEmpty ? version : "\(version) (commit \(commit))"
    }()
}
