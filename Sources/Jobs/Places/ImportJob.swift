internal import Glibc
internal import Linux
public import OCI
internal import SystemPackage

/// The job of `thaw import`: an image of one layer from a tar of a root file system.
public struct ImportJob {
    private let changes: ConfigChanges
    private let platform: Platform

    /// Parses instructions that change the configuration, and the platform; nil for this machine's.
    public init(_ changes: [String], platform: String?) throws {
        self.changes = try ConfigChanges(changes)
        self.platform = try platform.map(Jobs.platform) ?? .host
    }

    /// Makes the image of a file, or of stdin for `-`; its time is that of `SOURCE_DATE_EPOCH`, else now.
    public func run(_ tar: String, as name: Reference, in store: Store) throws -> Digest {
        let seconds = Environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? Int64(time(nil))
        let lease = try store.lease()
        let image = try store.importRootfs(
            FilePath(tar == "-" ? "/dev/stdin" : tar), platform: platform, created: RFC3339.text(seconds), comment: nil
        ) { try changes.apply(to: &$0) }
        let digest = try store.publish(image, as: name).digest
        try lease.release()
        return digest
    }
}
