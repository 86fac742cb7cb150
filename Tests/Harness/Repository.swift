/// The work tree that these tests belong to.
public enum Repository {
    /// Its directory, two levels above this file.
    public static let path: String = {
        let parts = #filePath.split(separator: "/")
        // A small package may have a link to Tests; the target of the link is used.
        let place = "/" + parts.dropLast(2).joined(separator: "/")
        return (try? Program.shell("dirname \"$(realpath '\(place)/Harness')\" | xargs dirname")) ?? place
    }()
}
