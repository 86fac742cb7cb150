import Frontend
import Linux
import OCI
import Support
import Testing

@testable import Build

/// The rules of COPY (reference, section 1.5), as a table over one context and one target.
@Suite("What COPY puts where")
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
        ])
    }

    private static func plan(
        _ sources: [String], _ destination: String, owner: (uid: UInt32, gid: UInt32)? = nil, mode: FileMode? = nil,
        excluding: [String] = []
    ) throws -> CopyPlan {
        try CopyPlan(
            selection(sources, in: context(), excluding: excluding),
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
                ["/n/ 0700 0:0", "/n/in 0644 0:0", "/n/sub/ 0711 0:0", "/n/sub/deep 0644 0:0", "/n/up -> ../a.txt"]),
            // The contents of a directory, not the directory; one that is there keeps its mode, one below it doesn't.
            Case(
                ["dir"], "/have",
                [
                    "/have/ 0750 0:0", "/have/in 0644 0:0", "/have/sub/ 0711 0:0", "/have/sub/deep 0644 0:0",
                    "/have/up -> ../a.txt",
                ]),
            Case(["*.txt"], "/n/", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0", "/n/b.txt 0644 0:0"]),
            Case(["di?/i[a-z]"], "/n/", ["/n/ 0755 0:0", "/n/in 0644 0:0"]),
            Case(["no*"], "/n/", []),
            // Several sources onto one name: the last one wins.
            Case(["a.txt", "b.txt"], "/x", ["/x 0644 0:0"]),
            Case(["a.txt", "hard"], "/n/", ["/n/ 0755 0:0", "/n/a.txt 0600 0:0", "/n/hard = /n/a.txt"]),
        ])
    func places(_ example: Case) throws {
        #expect(lines(try Self.plan(example.sources, example.destination)) == example.expected)
    }

    @Test("--chown and --chmod reach files and new directories, and no link")
    func attributes() throws {
        let plan = try Self.plan(["dir"], "/n/m", owner: (7, 8), mode: .octal(0o640))
        #expect(
            lines(plan) == [
                "/n/ 0640 7:8", "/n/m/ 0640 7:8", "/n/m/in 0640 7:8", "/n/m/sub/ 0640 7:8", "/n/m/sub/deep 0640 7:8",
                "/n/m/up -> ../a.txt",
            ])
        #expect(plan.items.last?.entry.metadata.mode == 0o777)
    }

    @Test("--exclude leaves out what it matches below a directory, and nothing that a source names itself")
    func excludes() throws {
        let some = lines(try Self.plan(["dir"], "/n", excluding: ["sub", "up"]))
        #expect(some == ["/n/ 0700 0:0", "/n/in 0644 0:0"])
        let named = lines(try Self.plan(["a.txt"], "/n", excluding: ["*.txt"]))
        #expect(named == ["/n 0600 0:0"])
    }

    @Test(
        "What cannot be copied is an error that names it",
        arguments: [
            (["none"], "/x", "\"/none\": not found in the source"),
            (["out"], "/x", "\"/out\": not found in the source"),
            (["dir"], "/have/file", "cannot copy directory 'dir' to '/have/file', which is not a directory"),
            (["b.txt"], "/have/file/", "'/have/file' is not a directory"),
            (["dir"], "/full", "cannot copy a file over the directory '/full/in'"),
            // An earlier source of the same instruction is in the way.
            (["clash", "dir"], "/n", "cannot copy a file over the directory '/n/in'"),
            (["dir", "clash"], "/n", "cannot copy directory '/clash/in' to '/n/in', which is not a directory"),
        ])
    func refusals(sources: [String], destination: String, message: String) {
        #expect { try Self.plan(sources, destination) } throws: { "\($0)" == message }
    }

    @Test("A file of the Dockerfile itself is 0644, and goes into a directory under its name")
    func inline() throws {
        let destination = CopyPlan.Destination(text: "/n/", workingDirectory: "/", owner: (1, 2))
        let plan = try CopyPlan(nil, inline: [("EOF", [1, 2, 3])], to: destination, onto: FileTree())
        #expect(lines(plan) == ["/n/ 0755 1:2", "/n/EOF 0644 1:2"])
        #expect(plan.items.last?.inline == [1, 2, 3])
    }

    @Test("The newest time is the newest of what is copied, not of the target")
    func newest() throws {
        var entry = try file("f", "1")
        entry.0.metadata.mtime = FileTime(seconds: 77)
        let source = try tree([entry])
        let destination = CopyPlan.Destination(text: "/have/", workingDirectory: "/")
        let plan = try CopyPlan(selection(["f"], in: source), to: destination, onto: Self.target())
        #expect(plan.newest == 77)
    }
}
