import Glibc
import Harness
import Testing

/// Commands that only read, on a read-only store.
@Suite(.enabled(if: UnprivilegedUser.unavailableReason == nil, "\(UnprivilegedUser.unavailableReason ?? "")"))
struct ReadOnlyStoreTests {
    /// The arguments of commands; OUT is a writable file.
    static let commands: [[String]] = [
        ["images"], ["history", "app"], ["inspect", "--verify", "app"], ["analyze", "app"], ["diff", "busybox", "app"],
        ["df"], ["df", "--format", "json"], ["save", "-o", "OUT", "app"], ["copy", "app", "oci-archive:OUT"],
        ["slim", "-t", "x", "--explain", "/bin/sh", "app"],
    ]

    /// A bench with an image, and without the index that reading stores.
    private static let prepared = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nRUN --mount=type=cache,target=/c echo 1 >/c/x && rm /base/one\n")
        try Program.shell("rm -f store/thaw/index/* store/thaw/lock", in: directory.path)
        return directory
    }

    private func directory() throws -> TestDirectory { try TestDirectory(copying: Self.prepared.get()) }

    @Test("Root reads a store on a read-only mount", arguments: commands + [["cache", "ls"]])
    func mount(words: [String]) throws {
        let directory = try directory()
        let script = """
            mount --bind '\(directory.store)' '\(directory.store)'
            mount -o remount,bind,ro '\(directory.store)'
            exec "$@"
            """
        let isolated = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"]
        let thaw =
            [Binary.path, "--store", directory.store] + words.map { $0.replacing("OUT", with: "\(directory.path)/out") }
        let outcome = try Program.run(isolated + thaw, in: directory.path)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error == "")
    }

    @Test("A user reads a store of root's", arguments: commands)
    func unprivilegedUser(words: [String]) throws {
        let directory = try directory()
        let user = try UnprivilegedUser(in: directory)
        var words = words.map { $0.replacing("OUT", with: "stranger/out") }
        words.insert(contentsOf: ["--store", "shared"], at: 1)
        let outcome = try user.start(words, shared: directory.store).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.split(separator: "\n").allSatisfy { words[0] == "df" && $0.hasPrefix("note: ") })
    }

    @Test(
        "A command that writes reports that the store is not writable",
        arguments: [["tag", "app", "new"], ["rm", "app"]])
    func writing(words: [String]) throws {
        let directory = try directory()
        let user = try UnprivilegedUser(in: directory)
        let outcome = try user.start([words[0], "--store", "shared"] + words.dropFirst(), shared: directory.store)
            .wait()
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("Permission denied"), "\(outcome.error)")
        #expect(outcome.error.contains("--store"), "\(outcome.error)")
        #expect(try directory.document("images", "--format", "json")["images"].list.count == 2)
    }
}
