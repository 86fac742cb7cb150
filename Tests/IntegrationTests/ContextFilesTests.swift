import Harness
import Testing

/// Unreadable and special files of a context.
@Suite struct ContextFilesTests {
    /// The script that makes an unreadable file, and the error.
    static let unreadable: [(script: String, complaint: String)] = [
        (
            "echo x >sub/secret && chmod 600 sub/secret",
            "thaw: Dockerfile:2: '/sub/secret' in the context cannot be read: Permission denied"
        ),
        (
            "mkdir -m 700 sub/closed && touch sub/closed/x",
            "thaw: Dockerfile:2: '/sub/closed' in the context cannot be read: Permission denied"
        ),
        (
            "echo x >.dockerignore && chmod 600 .dockerignore",
            "thaw: Dockerfile:2: '/.dockerignore' in the context cannot be read: Permission denied"
        ),
    ]

    @Test(
        "An unreadable file is named, with a remedy",
        .enabled(if: UnprivilegedUser.unavailableReason == nil, "\(UnprivilegedUser.unavailableReason ?? "")"),
        arguments: unreadable)
    func named(script: String, complaint: String) throws {
        let directory = try TestDirectory()
        let user = try UnprivilegedUser(in: directory)
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY sub /sub\n")
        try Program.shell("mkdir sub && \(script)", in: "\(directory.path)/context")
        let outcome = try user.thaw("build", "--progress", "quiet", "-t", "app", "context")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [complaint, "      make it readable for this user, or add it to .dockerignore"],
            "\(outcome.error)")
    }

    @Test(
        "An unreadable context is not reported as a missing one",
        .enabled(if: UnprivilegedUser.unavailableReason == nil, "\(UnprivilegedUser.unavailableReason ?? "")"))
    func closed() throws {
        let directory = try TestDirectory()
        let user = try UnprivilegedUser(in: directory)
        try directory.write("Dockerfile", "FROM scratch\nCOPY x /\n")
        try Program.shell("mkdir -m 700 context", in: directory.path)
        let outcome = try user.thaw("build", "--progress", "quiet", "-f", "Dockerfile", "context")
        #expect(
            outcome.stderrLines.first?.hasSuffix("'context' cannot be read: Permission denied") == true,
            "\(outcome.error)")
    }

    @Test("A special file of the context is named in a note and not read")
    func special() throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY d /d\n")
        try directory.write("context/.dockerignore", "ignored\n")
        let listen = "import socket; [socket.socket(socket.AF_UNIX).bind(n) for n in ('d/a', 'd/b', 'ignored')]"
        try Program.shell(
            "mkdir d && mkfifo d/pipe && echo 1 >d/file && python3 -c \"\(listen)\"", in: "\(directory.path)/context")
        let outcome = try directory.thaw("build", "--progress", "plain", "-t", "app", "context")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(
            outcome.error.split(separator: "\n").filter { $0.hasPrefix("note: ") } == [
                "note: the socket '/d/a' (and 1 more) in the context is copied as an empty file: an image can't hold sockets",
                "note: the FIFO '/d/pipe' in the context is copied as a FIFO: nothing is read from it",
            ])
        let layer = try Inspection("app", in: directory).listings()[0]
        #expect(Set(layer.map { String($0.split(separator: " ")[2]) }) == ["d/", "d/a", "d/b", "d/file", "d/pipe"])
        #expect(try Inspection("app", in: directory).content(of: "d/a", inLayer: 0) == "")
    }
}
