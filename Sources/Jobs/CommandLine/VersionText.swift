internal import ColdStart
internal import Linux
internal import OCI

/// The text of `thaw --version`.
public enum VersionText {
    /// Returns the version with its commit, and below it the digest of the guest's init, which measurements depend on.
    public static func text(version: String) -> String {
        // A program without init still has a version; `thaw doctor` reports what is missing.
        guard let path = try? InitialProgram.locate(), let file = try? OwnedDescriptor(path),
            let bytes = try? file.readAll(limit: 64 << 20)
        else { return "\(version)\ninit missing" }
        return "\(version)\ninit \(Digest(of: bytes))"
    }
}
