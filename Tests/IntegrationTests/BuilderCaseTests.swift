import Glibc
import Harness
import Testing

/// The inputs of `fixtures/cases/builder.json`, each of which once had a wrong result.
@Suite("Cases of builds", .enabled(if: geteuid() == 0, "RUN needs users"))
struct BuilderCaseTests {
    /// The right result of a case.
    enum Wanted: Sendable {
        /// A build that succeeds, and a script that succeeds in the image's files.
        case files(String)
        /// A build that fails with all these texts on stderr.
        case failure([String])
        /// A build with all these texts on stderr, whatever its exit status.
        case note([String])
        /// The lines of the findings of a rule of `--check`.
        case findings(of: String, lines: [Double])
        /// The time of the image.
        case created(String)
    }

    static let wanted: [(id: String, wanted: Wanted)] = [
        ("heredoc-blank-before-word", .files("[ \"$(cat x)\" = hi ]")),
        ("heredoc-blank-copy", .files("[ \"$(cat a)\" = hi ]")),
        ("heredoc-dash-shebang", .files("[ \"$(cat o)\" = 1 ]")),
        ("cache-mount-uid-shared", .files("true")),
        ("add-archive-file-over-dir", .files("[ \"$(cat one)\" = 1 ]")),
        ("add-archive-dir-over-file", .files("[ -d one ]")),
        ("add-archive-full-dir", .files("[ \"$(cat one)\" = 1 ]")),
        ("add-archive-up-link", .files("[ \"$(readlink sub/up)\" = .. ] && [ \"$(cat sub/etc/f)\" = 1 ]")),
        ("onbuild-from-consumer-stage", .files("[ -f a ]")),
        ("check-error-true", .failure(["Dockerfile:2: lint violation found for rules: FromAsCasing"])),
        ("check-arg", .findings(of: "FromAsCasing", lines: [])),
        ("check-comment-reason", .findings(of: "SecretsUsedInArgOrEnv", lines: [])),
        ("definition-in-stage", .findings(of: "InvalidDefinitionDescription", lines: [4])),
        ("copy-ignored-root", .findings(of: "CopyIgnoredFile", lines: [2])),
        ("casing-tie", .findings(of: "ConsistentInstructionCasing", lines: [1])),
        ("targetstage-last-named", .files("true")),
        ("sandbox-hostname", .files("true")),
        ("expose-hostname", .failure(["invalid IP address: localhost"])),
        ("copy-url", .failure(["source can't be a URL for COPY"])),
        ("copy-dir-over-nested-link", .failure(["cannot copy directory '/b/l' to '/l', which is not a directory"])),
        ("copy-socket", .files("[ -f s ] && [ ! -s s ]")),
        ("epoch-global-arg", .created("2015-10-21T07:28:00Z")),
        ("epoch-global-arg-bad", .failure(["Dockerfile:1: SOURCE_DATE_EPOCH: 'nope' is neither"])),
        ("git-dumb-http", .files("[ -f x/file ] && [ -f x/module/part ]")),
        ("link-chmod-of-parent", .note(["Dockerfile:2: --link changes the directory /tmp from 1777 0:0 to 0755 0:0"])),
        ("link-chown-of-parents", .note(["Dockerfile:3: --link changes the directory /var", "to 0755 9:9"])),
        ("exclude-of-file", .files("[ ! -e d/home.txt ] && [ -f d/homer ]")),
        ("several-sources-no-slash", .failure(["Dockerfile:2: several files", "must end in /"])),
        ("ignored-source", .failure(["Dockerfile:2: \"/a.txt\": the pattern '*.txt' of .dockerignore:1 excludes it"])),
        ("misspelt-from", .failure(["note: Dockerfile:3: no stage is called 'biuld' (did you mean build?)"])),
        ("arg-in-from-without-value", .failure(["Dockerfile:2:6: FROM debian:$V has no image: V has no value"])),
    ]

    /// The cases with tests elsewhere.
    static let elsewhere: [String: String] = [
        "outline-unused-args": "below", "many-steps-touched": "the benchmark",
        "primary-gid-in-groups": "the accounts of containers", "short-passwd-row": "the accounts of containers",
        "inherited-shell": "the linter", "fix-keeps-behaviour": "the linter", "pip-no-cache-env": "the linter",
    ]

    @Test("Every case of the file has a test")
    func complete() throws {
        let ids = Set(try Self.cases().keys)
        #expect(ids == Set(Self.wanted.map(\.id)).union(Self.elsewhere.keys))
    }

    @Test("A case has its right result", arguments: wanted.indices)
    func result(index: Int) throws {
        let (id, wanted) = Self.wanted[index]
        let place = try CasePlace(#require(Self.cases()[id]), id)
        switch wanted {
        case .files(let script):
            let outcome = try place.build("-o", "type=local,dest=out")
            #expect(outcome.status == 0, "\(id): \(outcome.error)")
            #expect(try Program.run(["sh", "-c", script], in: place.directory.path + "/out").status == 0, "\(id)")
        case .failure(let texts):
            let outcome = try place.build()
            #expect(outcome.status != 0, "\(id)")
            for text in texts { #expect(outcome.error.contains(text), "\(id): \(outcome.error)") }
        case .note(let texts):
            let outcome = try place.build()
            for text in texts { #expect(outcome.error.contains(text), "\(id): \(outcome.error)") }
        case .findings(let rule, let lines):
            let outcome = try place.build("--call", "check,format=json,ignorestatus=true")
            let found = try Document(parsing: outcome.output).list.filter { $0["rule"].text == rule }
            #expect(found.compactMap { $0["startLine"].number } == lines, "\(id): \(outcome.output)")
        case .created(let time):
            let outcome = try place.build("-t", "app")
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(try Inspection("app", in: place.directory).config["created"].text == time)
        }
        #expect(try place.directory.faults() == [])
    }

    @Test("The outline has only arguments that the target needs")
    func outline() throws {
        let place = try CasePlace(#require(Self.cases()["outline-unused-args"]), "outline-unused-args")
        let outcome = try place.build()
        #expect(try Document(parsing: outcome.output)["args"].list.compactMap { $0["name"].text } == ["A"])
    }

    private static func cases() throws -> [String: Document] {
        let text = try Program.shell("cat '\(Repository.path)/fixtures/cases/builder.json'")
        let list = try Document(parsing: text).list.map { ($0["id"].text ?? "", $0) }
        return Dictionary(list) { first, _ in first }
    }
}

/// The context of one case on disk.
private struct CasePlace {
    let directory: TestDirectory
    private let input: Document
    private var server: PlainServer?

    init(_ input: Document, _ id: String) throws {
        self.input = input
        directory = try TestDirectory.withBusybox()
        var text = input["dockerfile"].text ?? ""
        if id == "onbuild-from-consumer-stage" {
            text = text.replacing("FROM BASE", with: "FROM parent")
            try directory.write("parent/Dockerfile", "FROM busybox\nONBUILD COPY --from=cfg /a /a\n")
            try directory.succeed("build", "--progress", "quiet", "-t", "parent", "parent")
        }
        if id == "git-dumb-http" {
            try Program.shell(Self.repository, in: directory.path)
            // The settings of the repository in which thaw runs must have no effect.
            try Program.shell("git init -q && git config url.http://127.0.0.1:1/.insteadOf http://", in: directory.path)
            let server = try PlainServer(of: directory.path + "/served")
            text = text.replacing("HOST", with: server.host)
            self.server = server
        }
        try directory.write("context/Dockerfile", text)
        for (name, file) in input["files"].members { try make(name, file) }
    }

    /// Makes a repository with a submodule, whose files a plain server can serve.
    private static let repository = """
        commit() { git -c user.name=a -c user.email=a@example.com commit -qm first && git update-server-info; }
        git init -q served && git init -q served/sub
        cd served/sub && echo 2 >part && git add part && commit && cd ..
        printf '[submodule "m"]\\npath = module\\nurl = ../sub/.git\\n' >.gitmodules
        echo 1 >file && git add file .gitmodules
        git update-index --add --cacheinfo "160000,$(git -C sub rev-parse HEAD),module"
        commit && git tag v1 && git update-server-info
        """

    private func make(_ name: String, _ file: Document) throws {
        if let text = file.text { return try directory.write("context/\(name)", text) }
        let context = directory.path + "/context"
        switch file["type"].text {
        case "tar": try directory.write("context/\(name)", Self.archive(file["entries"]))
        case "link":
            let target = file["to"].text ?? ""
            try Program.shell("mkdir -p \"$(dirname '\(name)')\" && ln -s '\(target)' '\(name)'", in: context)
        case "socket":
            let script = "import socket; socket.socket(socket.AF_UNIX).bind('\(name)')"
            try Program.shell("python3 -c \"\(script)\"", in: context)
        default: try Program.shell("mkdir -p '\(name)'", in: context)
        }
    }

    private static func archive(_ entries: Document) -> [UInt8] {
        var tar = TarMaker()
        for (name, entry) in entries.members {
            switch entry["type"].text {
            case "dir": tar.addDirectory(name)
            case "link": tar.addSymlink(name, to: entry["to"].text ?? "")
            default: tar.addFile(name, entry.text ?? "")
            }
        }
        return tar.archive
    }

    /// Builds with the arguments of the case, if they are options, and those of the test.
    func build(_ options: String...) throws -> ProgramResult {
        let own = input["args"].list.compactMap(\.text)
        let words = own.first?.hasPrefix("-") == true ? own : []
        return try directory.start(["build", "--progress", "plain"] + words + options + ["context"]).wait()
    }
}

extension Document {
    /// The members of an object, sorted by name.
    fileprivate var members: [(String, Document)] { keys.sorted().map { ($0, self[$0]) } }
}

/// A web server of plain files on a loopback port.
private final class PlainServer: Sendable {
    let host: String
    private let program: Program

    init(of directory: String) throws {
        let log = directory + "/../server.log"
        program = try Program(
            ["sh", "-c", "exec python3 -u -m http.server --bind 127.0.0.1 0 >'\(log)' 2>&1"], in: directory)
        var port = ""
        while port.isEmpty, program.isRunning {
            usleep(20_000)
            port = try Program.shell("sed -n 's/.* port \\([0-9]*\\) .*/\\1/p' '\(log)' 2>/dev/null || true")
        }
        host = "127.0.0.1:\(port)"
    }

    deinit { program.kill() }
}
