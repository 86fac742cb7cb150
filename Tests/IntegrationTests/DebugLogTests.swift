import Harness
import Testing

/// The debug events of `THAW_LOG=debug`.
@Suite struct DebugLogTests {
    private static let log = ["THAW_LOG": "debug"]

    /// Returns the fields of the debug lines in a text.
    private static func events(in text: String) -> [[String: String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("debug ") }.map { line in
            let fields = line.matches(of: /([a-zA-Z.]+)=("(?:\\.|[^"\\])*"|[^ ]+)/)
            return Dictionary(fields.map { (String($0.1), String($0.2)) }) { first, _ in first }
        }
    }

    private static func run(_ words: [String], in directory: TestDirectory) throws -> ProgramResult {
        let store = words + ["--store", directory.store]
        return try Program([Binary.path] + store, in: directory.path, environment: log).wait()
    }

    @Test("A build's lines have one id for each step, its keys, hit or miss, the reason and the time")
    func steps() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/file", "1\n")
        let text = "FROM busybox\nARG TOKEN=1\nCOPY file /file\nRUN echo $TOKEN >/made\n"
        try directory.write("context/Dockerfile", text)
        try directory.succeed("build", "--progress", "quiet", "context")
        let secret = "s3cr3t-value"
        let outcome = try Self.run(
            ["build", "--progress", "quiet", "--build-arg", "TOKEN=\(secret)", "context"], in: directory)
        #expect(outcome.status == 0, "\(outcome.error)")
        let events = Self.events(in: outcome.error)
        #expect(!events.isEmpty && events.allSatisfy { $0["id"] != nil && $0["at"] != nil && $0["event"] != nil })
        let ends = events.filter { $0["event"] == "step.end" }
        #expect(ends.map { $0["line"] } == ["3", "4"])
        #expect(ends.map { $0["cache"] } == ["hit", "miss"])
        #expect(ends.last?["why"] == "\"changed: variable TOKEN\"")
        #expect(ends.allSatisfy { $0["ms"] != nil && $0["layer"] != nil })
        #expect(Set(ends.map { $0["id"] }).count == 2)
        for end in ends {
            let own = events.filter { $0["id"] == end["id"] }
            let names = Set(own.compactMap { $0["event"] })
            #expect(names.isSuperset(of: ["step.start", "step.key", "step.end"]))
        }
        #expect(!outcome.error.contains(secret))
    }

    @Test(
        "A request's line has method, host, path and status, and no credential",
        .enabled(if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
    func requests() throws {
        let (directory, registry) = (try TestDirectory.withBusybox(), try DockerRegistry(login: true))
        let login = try Program.shell("printf '%s:%s' '\(DockerRegistry.user)' '\(DockerRegistry.password)' | base64")
        try directory.write("auth.json", #"{"auths":{"\#(registry.host)":{"auth":"\#(login)"}}}"#)
        let name = "\(registry.host)/app:1"
        try directory.succeed("tag", "busybox", name)
        let outcome = try Self.run(
            ["push", "--tls-verify=false", "--authfile", "\(directory.path)/auth.json", name], in: directory)
        #expect(outcome.status == 0, "\(outcome.error)")
        let requests = Self.events(in: outcome.error).filter { $0["event"] == "request" }
        #expect(requests.contains { $0["status"] == "401" })
        #expect(requests.contains { $0["method"] == "PUT" && $0["path"] == "/v2/app/manifests/1" })
        #expect(requests.allSatisfy { $0["host"] == registry.host && $0["id"] != nil && $0["ms"] != nil })
        for secret in [login, DockerRegistry.password, "Authorization", "Basic", "?"] {
            #expect(!outcome.error.contains(secret), "\(secret)")
        }
    }

    @Test("Without THAW_LOG there are no debug lines, and an unknown level is named")
    func off() throws {
        let directory = try TestDirectory.withBusybox()
        #expect(try !directory.start(["images"]).wait().error.contains("debug "))
        let environment = ["THAW_LOG": "trace"]
        let words = [Binary.path, "images", "--store", directory.store]
        let outcome = try Program(words, environment: environment).wait()
        #expect(outcome.error == "note: THAW_LOG=trace is ignored; the only level is debug\n")
    }
}
