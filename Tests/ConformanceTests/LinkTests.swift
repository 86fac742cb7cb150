import Build
import Glibc
import Testing

/// The cache of `COPY --link`, whose layer stays valid if a layer below changes.
@Suite("Cache of --link", .enabled(if: geteuid() == 0, "RUN needs root"))
struct LinkTests {
    /// Builds a Dockerfile with a context; returns for each step whether it was cached.
    private static func known(_ context: String, _ dockerfile: String) async throws -> [Bool] {
        let indented = [context, dockerfile].map { text in
            text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        }
        let text = "# link\ncontext:\n\(indented[0])\nDockerfile:\n\(indented[1])"
        let example = try #require(try Example.parse(text.split(separator: "\n")).first)
        return try await BuildFixture.shared.value.build(example).steps.map(\.isCached)
    }

    @Test("A COPY is reused when a RUN below it changes, with --link and without", arguments: ["--link", ""])
    func belowChanges(flag: String) async throws {
        func known(_ number: Int) async throws -> [Bool] {
            try await Self.known(
                "f \"below\(flag)\"",
                "FROM base\nRUN echo \(number)\(flag) >/x\nCOPY \(flag) f /data/\nRUN cat /data/f /x")
        }
        #expect(try await known(1) == [false, false, false])
        #expect(try await known(2) == [false, true, false])
        #expect(try await known(1) == [true, true, true])
    }

    @Test("A --link is reused when the files below get newer or disappear")
    func belowGetsNewer() async throws {
        func known(_ lines: String, _ seconds: Int) async throws -> [Bool] {
            try await Self.known("f \"newer\"\ng \"\(seconds)\" @\(seconds)", "\(lines)COPY --link f /n/")
        }
        #expect(try await known("FROM scratch\nCOPY g /g\n", 1_100_000_000) == [false, false])
        #expect(try await known("FROM scratch\nCOPY g /g\n", 1_200_000_000) == [false, true])
        #expect(try await known("FROM scratch\n", 1_300_000_000) == [true])
        #expect(try await known("FROM base\n", 1_300_000_000) == [true])
    }

    @Test("A --link with an owner's name is run again only when the name has another number")
    func ownerChanges() async throws {
        func known(_ accounts: String) async throws -> [Bool] {
            try await Self.known(
                "f \"owned\"\np \"\(accounts)\"", "FROM scratch\nCOPY p /etc/passwd\nCOPY --link --chown=who f /n/")
        }
        #expect(try await known("who:x:5:6::/:\\n") == [false, false])
        #expect(try await known("more:x:7:8::/:\\nwho:x:5:6::/:\\n") == [false, true])
        #expect(try await known("who:x:5:9::/:\\n") == [false, false])
    }

    @Test("A --link is run again when its source, destination or owner changes")
    func itselfChanges() async throws {
        func known(_ content: String, _ line: String) async throws -> [Bool] {
            try await Self.known("f \"itself \(content)\"", "FROM scratch\n\(line)")
        }
        #expect(try await known("1", "COPY --link f /n/") == [false])
        #expect(try await known("1", "COPY --link f /n/") == [true])
        #expect(try await known("2", "COPY --link f /n/") == [false])
        #expect(try await known("1", "COPY --link f /m/") == [false])
        #expect(try await known("1", "COPY --link --chown=5 f /n/") == [false])
        #expect(try await known("1", "COPY f /n/") == [false])
    }
}
