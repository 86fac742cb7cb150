internal import Linux
public import SystemPackage

/// The file of a CI system that shows Markdown beside a job.
public enum GateSummary {
    /// The file of GitHub Actions, or of systems that are compatible with it; nil outside of them.
    public static var file: FilePath? { Environment["GITHUB_STEP_SUMMARY"].map { FilePath($0) } }

    /// Appends Markdown to a file, which may not exist yet.
    public static func append(_ markdown: String, to path: FilePath) throws {
        let file: OwnedDescriptor
        do {
            file = try OwnedDescriptor(path, [.write, .create, .append, .nonBlocking])
        } catch {
            throw Failure("cannot write the summary: \(error)")
        }
        try file.write(Array(markdown.utf8))
    }
}
