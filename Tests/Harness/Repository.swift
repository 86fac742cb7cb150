/// The work tree that these tests belong to.
public enum Repository {
    /// Its directory: two above this file's.
    public static let path: String = {
        let parts = #filePath.split(separator: "/")
        // A mini package may link to Tests; the real place is what counts.
        let place = "/" + parts.dropLast(2).joined(separator: "/")
        return (try? Program.shell("dirname \"$(realpath '\(place)/Harness')\" | xargs dirname")) ?? place
    }()
}
