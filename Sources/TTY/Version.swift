internal import CVersion

/// The version of this build.
public enum Version {
    /// The version of the tag, or the constant of Package.swift; with the commit of a release.
    public static let text: String = {
        let (version, commit) = unsafe (String(cString: cversion()), String(cString: ccommit()))
        return commit.isEmpty ? version : "\(version) (commit \(commit))"
    }()
}
