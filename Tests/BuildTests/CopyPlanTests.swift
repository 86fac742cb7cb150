import Frontend
import Linux
import OCI
import Support
import Testing

@testable import Build

/// The rules of COPY (reference, section 1.5), as a table over one context and one target.
@Suite("The layers of COPY")
struct CopyPlanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let sources: [String]
        let destination: String
        let expected: [String]

        init(_ sources: [String], _ destination: String, _ expected: [String]) {
            (self.sources, self.destination, self.expected) = (sources, destination, expected)
        }

        var testDescription: String { "COPY \(sources.joined(separator: " ")) \(destination)" }
    }

    private static func context() throws -> FileTree {
        try tree([
            file("a.txt", "1", mode: 0o600), file("b.txt", "22"), directory("dir", mode: 0o700), file("dir/in", "3"),
            directory("dir/sub", mode: 0o711), file("dir/sub/deep", "4"), symlink("dir/up", "../a.txt"),
            symlink("link", "a.txt"), symlink("dirlink", "dir"), symlink("out", "/../../etc/passwd"),
            hardLink("hard", "a.txt"), directory("clash"), directory("clash/in"), file("clash/in/x", "5"),
        ])
    }

    private static func target() throws -> FileTree {
        try tree([
            directory("have", mode: 0o750), directory("have/sub", mode: 0o770), file("have/file", "old"),
            symlink("to", "have"), symlink("abs", "/have"), directory("full"), directory("full/in"),
            symlink("dangling", "new/../gone"), symlink("full/a.txt", "../have/file"), symlink("full/sub", "../have"),
            symlink("loop", "loop"),
        ])
    }

    private static func plan(
        _ sources: [String], _ destination: String, owner: (uid: UInt32, gid: UInt32)? = nil, mode: FileMode? = nil,
        excluding: [String] = [], keepingParents: Bool = false
    ) throws -> CopyPlan {
        try CopyPlan(
            selection(sources, in: context(), excluding: excluding, keepingParents: keepingParents),
            to: CopyPlan.Destination(text: destination, workingDirectory: "/work", owner: owner, mode: mode),
            onto: target())
    }

    @Test(
        "Files, directories, links and patterns go where Docker puts them",
        arguments: [
            Case(["a.txt"], "/x", ["/x 0600 0:0"]),
            Case(["a.txt"], "/n/", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0"]),
            Case(["a.txt"], "/n/.", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0"]),
            Case(["a.txt"], "x", ["/work/ 0755 0:0", "/work/x 0600 0:0"]),
            Case(["a.txt"], ".", ["/work/ 0755 0:0", "/work/a.txt 0600 0:0"]),
            Case(["/../../a.txt"], "/x", ["/x 0600 0:0"]),
            Case(["a.txt"], "/../../x", ["/x 0600 0:0"]),
            Case(["a.txt"], "/have", ["/have/ 0750 0:0", "/have/a.txt 0600 0:0"]),
            Case(["a.txt"], "/to", ["/have/ 0750 0:0", "/have/a.txt 0600 0:0"]),
            Case(["a.txt"], "/abs/new", ["/have/ 0750 0:0", "/have/new 0600 0:0"]),
            Case(["a.txt"], "/have/file", ["/have/ 0750 0:0", "/have/file 0600 0:0"]),
            // A link is followed inside the source, and keeps its own name.
            Case(["link"], "/n/", ["/n/ 0755 0:0", "/n/link 0600 0:0"]),
            Case(
                ["dirlink"], "/n",
                ["/n/ 0755 0:0", "/n/in 0644 0:0", "/n/sub/ 0711 0:0", "/n/sub/deep 0644 0:0", "/n/up -> ../a.txt"]),
            // The contents of a directory, not the directory; an existing target keeps its mode, directories below it
            // don't.
            Case(
                ["dir"], "/have",
                [
                    "/have/ 0750 0:0", "/have/in 0644 0:0", "/have/sub/ 0711 0:0", "/have/sub/deep 0644 0:0",
                    "/have/up -> ../a.txt",
                ]),
            Case(["*.txt"], "/n/", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0", "/n/b.txt 0644 0:0"]),
            Case(["di?/i[a-z]"], "/n/", ["/n/ 0755 0:0", "/n/in 0644 0:0"]),
            Case(["no*"], "/n/", []),
            // Several matches with one target: the last one wins.
            Case(["*.txt"], "/x", ["/x 0644 0:0"]),
            Case(["dir/sub", "b.txt"], "/n", ["/n/ 0755 0:0", "/n/deep 0644 0:0", "/n/b.txt 0644 0:0"]),
            // Hard links stay only within one source.
            Case(["a.txt", "hard"], "/n/", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0", "/n/hard 0600 0:0"]),
            // A link that is the destination is followed, even a dangling one. Inside the destination a file replaces a
            // link.
            Case(["b.txt"], "/dangling", ["/gone 0644 0:0"]),
            Case(["b.txt"], "/dangling/", ["/gone/ 0755 0:0", "/gone/b.txt 0644 0:0"]),
            Case(["a.txt"], "/full", ["/full/ 0755 0:0", "/full/a.txt 0600 0:0"]),
            Case(
                ["clash", "dir/su*"], "/full",
                ["/full/ 0755 0:0", "/full/in/ 0755 0:0", "/full/in/x 0644 0:0", "/full/deep 0644 0:0"]),
        ])
    func places(_ example: Case) throws {
        #expect(lines(try Self.plan(example.sources, example.destination)) == example.expected)
    }

    @Test(
        "--parents keeps the path after the pivot, with the source's parent directories",
        arguments: [
            Case(
                ["dir/sub/deep"], "/n",
                ["/n/ 0755 0:0", "/n/dir/ 0700 0:0", "/n/dir/sub/ 0711 0:0", "/n/dir/sub/deep 0644 0:0"]),
            Case(["dir/./sub/deep"], "/n", ["/n/ 0755 0:0", "/n/sub/ 0711 0:0", "/n/sub/deep 0644 0:0"]),
            Case(
                ["./dir/sub/."], "/n",
                ["/n/ 0755 0:0", "/n/dir/ 0700 0:0", "/n/dir/sub/ 0711 0:0", "/n/dir/sub/deep 0644 0:0"]),
            Case(
                ["**/x"], "/n",
                ["/n/ 0755 0:0", "/n/clash/ 0755 0:0", "/n/clash/in/ 0755 0:0", "/n/clash/in/x 0644 0:0"]),
            Case(
                ["*.txt", "cl*/./**/x"], "/n",
                ["/n/ 0755 0:0", "/n/a.txt 0600 0:0", "/n/b.txt 0644 0:0", "/n/in/ 0755 0:0", "/n/in/x 0644 0:0"]),
            Case(["dirlink/./sub"], "/n", ["/n/ 0755 0:0", "/n/sub/ 0711 0:0", "/n/sub/deep 0644 0:0"]),
            Case(["no*", "**/no"], "/n", ["/n/ 0755 0:0"]),
            Case(["clash/./"], "/n", ["/n/ 0755 0:0", "/n/in/ 0755 0:0", "/n/in/x 0644 0:0"]),
        ])
    func parents(_ example: Case) throws {
        let plan = try Self.plan(example.sources, example.destination, keepingParents: true)
        #expect(lines(plan) == example.expected)
    }

    @Test("With --parents an existing directory gets the mode of the source's and keeps its owner")
    func existingParents() throws {
        var old = try directory("n/dir", mode: 0o755)
        old.0.metadata.uid = 5
        let plan = try CopyPlan(
            selection(["dir/in"], in: Self.context(), keepingParents: true),
            to: CopyPlan.Destination(text: "/n", workingDirectory: "/"), onto: tree([old]))
        #expect(lines(plan) == ["/n/ 0755 0:0", "/n/dir/ 0700 5:0", "/n/dir/in 0644 0:0"])
    }

    @Test("--exclude is relative to the pivot of --parents")
    func excludesFromPivot() throws {
        let plan = try Self.plan(["dir/./sub"], "/n", excluding: ["sub/deep"], keepingParents: true)
        #expect(lines(plan) == ["/n/ 0755 0:0", "/n/sub/ 0711 0:0"])
    }

    @Test("A file that a later source replaces stays under its other names")
    func replacedLink() throws {
        let source = try tree([
            directory("one"), file("one/a", "1", mode: 0o600), hardLink("one/b", "one/a"), hardLink("one/c", "one/a"),
            directory("two"), file("two/a", "2", mode: 0o640),
        ])
        let plan = try CopyPlan(
            selection(["one", "two"], in: source), to: CopyPlan.Destination(text: "/n", workingDirectory: "/"),
            onto: FileTree())
        #expect(lines(plan) == ["/n/ 0755 0:0", "/n/a 0640 0:0", "/n/b 0600 0:0", "/n/c = /n/b"])
        let contents = plan.items.map { $0.source.map { source.inodes[$0].path.description } }
        #expect(contents == [nil, "/two/a", "/one/a", "/one/a"])
    }

    @Test("A symbolic --chmod doesn't apply to directories that no source has")
    func symbolicMode() throws {
        let mode = try FileMode("go-rx", at: Position(line: 1, column: 1))
        #expect(
            lines(try Self.plan(["dir/sub"], "/n/m", mode: mode)) == [
                "/n/ 0755 0:0", "/n/m/ 0755 0:0", "/n/m/deep 0600 0:0",
            ])
        #expect(lines(try Self.plan(["clash"], "/full/in", mode: mode)).last == "/full/in/in/x 0600 0:0")
        // A file's set-id bits don't apply to the directories above it.
        #expect(lines(try Self.plan(["b.txt"], "/n/f", mode: .octal(0o4750))) == ["/n/ 0750 0:0", "/n/f 04750 0:0"])
    }

    @Test("--chown and --chmod apply to files and new directories, not to links")
    func attributes() throws {
        let plan = try Self.plan(["dir"], "/n/m", owner: (7, 8), mode: .octal(0o640))
        #expect(
            lines(plan) == [
                "/n/ 0640 7:8", "/n/m/ 0640 7:8", "/n/m/in 0640 7:8", "/n/m/sub/ 0640 7:8", "/n/m/sub/deep 0640 7:8",
                "/n/m/up -> ../a.txt",
            ])
        #expect(plan.items.last?.entry.metadata.mode == 0o777)
    }

    @Test("--exclude leaves out its matches below a directory, and files that a source names")
    func excludes() throws {
        let some = lines(try Self.plan(["dir"], "/n", excluding: ["sub", "up"]))
        #expect(some == ["/n/ 0755 0:0", "/n/in 0644 0:0"])
        let named = lines(try Self.plan(["a.txt", "dir/i*"], "/n/", excluding: ["*.txt"]))
        #expect(named == ["/n/ 0755 0:0", "/n/in 0644 0:0"])
        #expect(lines(try Self.plan(["dir/../a.txt"], "/n", excluding: ["*.txt"])) == [])
    }

    @Test(
        "A source that can't be copied is an error with its name",
        arguments: [
            (["none"], "/x", "\"/none\": not found in the source"),
            (["out"], "/x", "\"/out\": not found in the source"),
            (["dir"], "/have/file", "cannot copy directory 'dir' to '/have/file', which is not a directory"),
            (["b.txt"], "/have/file/", "'/have/file' is not a directory"),
            (["b.txt"], "/loop/x", "'/loop/x' goes through a loop of symbolic links"),
            (["b.txt"], "/full/a.txt/in", "'/have/file' is not a directory"),
            (["a["], "/x", "'a[' is not a pattern: it ends in a backslash, or within brackets"),
            (["a*/\\"], "/x", "'a*/\\' is not a pattern: it ends in a backslash, or within brackets"),
            (["ou*"], "/x", "\"/out\": not found in the source"),
            (
                ["a.txt", "b.txt"], "/x",
                "several files would become the one file '/x'; the destination of several sources must end in /"
            ),
            (["dir"], "/full", "cannot copy a file over the directory '/full/in'"),
            // An earlier source of the same instruction is in the way.
            (["clash", "dir"], "/n", "cannot copy a file over the directory '/n/in'"),
            (["dir", "clash"], "/n", "cannot copy directory '/clash/in' to '/n/in', which is not a directory"),
        ])
    func refusals(sources: [String], destination: String, message: String) {
        #expect { try Self.plan(sources, destination) } throws: { "\($0)" == message }
    }

    @Test(
        "A source of --parents without wildcards must exist",
        arguments: [
            ("none/x", "\"/none/x\": not found in the source"),
            ("dirlink/in", "\"/dirlink/in\": not found in the source"),
            ("none/./*", "\"/none/./*\": not found in the source"),
            ("dir/./in[", "'dir/./in[' is not a pattern: it ends in a backslash, or within brackets"),
        ])
    func missingParents(source: String, message: String) {
        #expect { try Self.plan([source], "/n", keepingParents: true) } throws: { "\($0)" == message }
    }

    @Test("A heredoc with an invalid file name is rejected", arguments: ["a/b", "..", ".", "/"])
    func inlineNames(name: String) {
        #expect(throws: BuildError.self) {
            try CopyPlan(nil, inline: [(name, [])], to: .init(text: "/n/", workingDirectory: "/"), onto: FileTree())
        }
    }

    @Test("A file of the Dockerfile itself has mode 0644, and goes into a directory under its name")
    func inline() throws {
        let destination = CopyPlan.Destination(text: "/n/", workingDirectory: "/", owner: (1, 2))
        let plan = try CopyPlan(nil, inline: [("EOF", [1, 2, 3])], to: destination, onto: FileTree())
        #expect(lines(plan) == ["/n/ 0755 1:2", "/n/EOF 0644 1:2"])
        #expect(plan.items.last?.inline == [1, 2, 3])
    }

    @Test("The newest time is that of the copied files, not of the target")
    func newest() throws {
        var entry = try file("f", "1")
        entry.0.metadata.mtime = FileTime(seconds: 77)
        let source = try tree([entry])
        let destination = CopyPlan.Destination(text: "/have/", workingDirectory: "/")
        let plan = try CopyPlan(selection(["f"], in: source), to: destination, onto: Self.target())
        #expect(plan.newest == 77)
    }

    /// The entries of an archive, the target in which it is unpacked at `/s`, and the layer.
    static let archives: [(archive: @Sendable () throws -> FileTree, expected: [String])] = [
        // An implied directory stays as it is, also behind a link, whose root is the destination.
        ({ try tree([file("kept/x", "1")]) }, ["/s/ 0755 0:0", "/s/kept/ 01777 0:0", "/s/kept/x 0644 0:0"]),
        ({ try tree([file("link/x", "1")]) }, ["/s/ 0755 0:0", "/s/kept/ 01777 0:0", "/s/kept/x 0644 0:0"]),
        ({ try tree([file("up/x", "1")]) }, ["/s/ 0755 0:0", "/s/x 0644 0:0"]),
        // An entry replaces what is there, also a link to a directory.
        (
            { try tree([directory("link"), file("link/x", "1")]) },
            ["/s/ 0755 0:0", "/s/link/ 0755 0:0", "/s/link/x 0644 0:0"]
        ),
        ({ try tree([file("kept", "1")]) }, ["/s/ 0755 0:0", "/s/kept 0644 0:0"]),
        ({ try tree([symlink("kept", "x")]) }, ["/s/ 0755 0:0", "/s/kept -> x"]),
        ({ try tree([file("plain/x", "1")]) }, ["/s/ 0755 0:0", "/s/plain/ 0755 0:0", "/s/plain/x 0644 0:0"]),
        ({ try tree([directory("kept", mode: 0o700)]) }, ["/s/ 0755 0:0", "/s/kept/ 0700 0:0"]),
    ]

    @Test("An archive replaces anything, and its links stay in the destination", arguments: archives)
    func archive(archive: @Sendable () throws -> FileTree, expected: [String]) throws {
        let target = try tree([
            directory("s"), directory("s/kept", mode: 0o1777), file("s/kept/old", "0"), symlink("s/link", "/kept"),
            symlink("s/up", ".."), file("s/plain", "0"), directory("kept"),
        ])
        let destination = CopyPlan.Destination(text: "/s", workingDirectory: "/")
        let plan = try CopyPlan(CopySelection(ofArchive: archive(), named: "a.tar"), to: destination, onto: target)
        #expect(lines(plan) == expected)
    }
}
