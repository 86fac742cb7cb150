import Analysis
import Build
import ColdStart
import Linux
import OCI
import Registry
import Support
import SystemPackage
import Testing

@testable import Jobs

/// The options of commands as values: their consistency, and what follows from them.
@Suite("Requests of commands")
struct CommandRequestTests {
    @Test("Options of analyze that exclude each other are named")
    func analyze() {
        let cases: [((inout AnalyzeRequest) -> Void, String?)] = [
            ({ _ in }, nil),
            ({ ($0.listsFiles, $0.format) = (true, .html) }, "--files has no form html"),
            ({ $0.format = .ndjson }, "--format ndjson needs --files"),
            ({ ($0.listsFiles, $0.metric) = (true, .dive) }, "--metric has no effect with --files"),
            ({ $0.selection.layer = 0 }, "--layer and --depth need --files"),
            ({ $0.target = "build" }, "--target needs --dockerfile"),
            ({ ($0.listsFiles, $0.selection.depth) = (true, -1) }, "--depth -1 is negative"),
            ({ ($0.listsFiles, $0.format, $0.selection.depth) = (true, .ndjson, 0) }, nil),
        ]
        for (change, conflict) in cases {
            var request = AnalyzeRequest()
            change(&request)
            #expect(request.conflict == conflict)
        }
    }

    @Test("Options of boot that need the own machine, or exclude each other, are refused")
    func boot() {
        let cases: [((inout BootRequest) -> Void, EngineChoice, String)] = [
            ({ $0.network = .outbound }, .qemu, "--network"),
            ({ $0.snapshot = "/tmp/s" }, .container, "--snapshot"),
            ({ $0.keepsMachine = true }, .qemu, "--keep"),
            ({ $0.snapshotMoment = "later" }, .kvm, "--snapshot-at 'later' is not ready or request"),
            ({ ($0.keepsMachine, $0.snapshot) = (true, "/tmp/thaw-test-snapshot") }, .kvm, "exclude each other"),
        ]
        for (change, choice, reason) in cases {
            var request = BootRequest(start: StartOptions())
            change(&request)
            let failure = #expect(throws: Failure.self) { try request.machineOptions(for: choice) }
            #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
            #expect(failure?.status == .usage)
        }
    }

    @Test("A start without special options is plain on every engine")
    func plainBoot() throws {
        for choice in EngineChoice.allCases {
            #expect(try BootRequest(start: StartOptions()).machineOptions(for: choice).isPlain)
        }
    }

    @Test("Settings of registries change only what they name, and transfers are limited")
    func registries() throws {
        var configuration = RegistryConfiguration(environment: [:])
        let (before, jobs) = (configuration.isInsecure, configuration.jobs)
        try RegistrySettings.standard.apply(to: &configuration)
        #expect(configuration.isInsecure == before && configuration.jobs == jobs)
        let settings = RegistrySettings(isVerified: false, certificates: nil, credentials: "/a", transfers: 9)
        try settings.apply(to: &configuration)
        #expect(configuration.isInsecure && configuration.jobs == 9 && configuration.credentials == ["/a"])
        for count in [0, 65] {
            let wrong = RegistrySettings(isVerified: nil, certificates: nil, credentials: nil, transfers: count)
            #expect(throws: Failure("--transfers \(count) is not between 1 and 64", status: .usage)) {
                try wrong.apply(to: &configuration)
            }
        }
    }

    @Test(
        "Global options may stand before the command; those of a daemon are named as ignored",
        arguments: [
            (["build", "."], [], ["build", "."], []),
            (["--store", "/s", "build"], ["--store", "/s"], ["build"], []),
            (["--store=/s", "-H", "tcp://x", "images"], ["--store=/s"], ["images"], ["-H"]),
            (["--context=a", "build", "--store", "/s"], [], ["build", "--store", "/s"], ["--context"]),
            (["--store"], ["--store"], [], []),
        ] as [([String], [String], [String], [String])])
    func globalOptions(arguments: [String], options: [String], words: [String], ignored: [String]) {
        let split = CommandLineForms.globalOptions(arguments)
        #expect(split.options == options && split.words == words && split.ignored == ignored)
    }

    @Test("A rebased image keeps its name, unless it is another one or has none")
    func rebaseTarget() throws {
        let app = try Reference("app:1")
        #expect(try RebaseJob.target(nil, of: .store(app)) == app)
        #expect(try RebaseJob.target("b:2", of: .store(app)) == Reference("b:2"))
        let pinned = try Reference("app@sha256:\(String(repeating: "a", count: 64))")
        for source in [Transport.store(pinned), .layout("/layout", tag: nil)] {
            #expect(throws: Failure("the result needs a name", remedy: "add -t NAME", status: .usage)) {
                try RebaseJob.target(nil, of: source)
            }
        }
    }

    @Test(
        "The methods of --call answer as text and as JSON",
        arguments: [
            ("check", "", false), ("check,format=json", "[", false),
            ("targets", "build (default)  FROM scratch", false),
            ("targets,format=json", "{", false), ("outline,format=json", "{", false),
        ])
    func calls(call: String, prefix: String, hasFailed: Bool) async throws {
        let workspace = try Workspace()
        let file = workspace.path.appending("Dockerfile").string
        try replaceFile(file, with: Array("FROM scratch AS build\nCOPY a /a\n".utf8))
        let view = DockerfileView(file, arguments: [:]) { nil }
        let answer = try await view.answer(to: call, target: nil)
        #expect(answer.text.hasPrefix(prefix) && answer.isJSON == call.contains("json"))
        await #expect(throws: Failure("--call 'run' is not build, check, outline or targets", status: .usage)) {
            _ = try await view.answer(to: "run", target: nil)
        }
    }

    @Test("The limits of RUN are applied in order and must be consistent")
    func limits() throws {
        var options = BuildRequest.RunOptions()
        try RunLimit.apply([.memory: "64m", .memorySwap: "128m", .cpus: nil], to: &options)
        #expect(options.memoryLimit == 64 << 20 && options.cpuCount == nil)
        #expect(throws: Failure("--memory-swap needs --memory", status: .usage)) {
            var options = BuildRequest.RunOptions()
            try RunLimit.apply([.memorySwap: "128m"], to: &options)
        }
    }

    @Test("A SARIF log of lint has no links in its messages, and columns in UTF-16")
    func lintLog() async throws {
        let workspace = try Workspace()
        let path = try workspace.write("Dockerfile", "FROM scratch\nEXPOSE [ä](x):80:80\n").string
        let job = try LintJob(
            [path], arguments: [], ignored: [], configuration: nil, image: nil, asksShellCheck: false,
            host: FakeHost(), openStore: { nil })
        let log = try await job.run(fixes: false).sarif(version: "1")
        let run = try #require(log["runs"]?.array?.first)
        #expect(run["columnKind"]?.string == "utf16CodeUnits")
        let found = try #require(run["results"]?.array?.first { $0["ruleId"]?.string == "SyntaxError" })
        let text = try #require(found["message"]?["text"]?.string)
        // The message quotes the port, and so its brackets.
        #expect(text.contains(#"\["#) && !text.contains(/(^|[^\\])[\[\]]/), "\(text)")
        let region = found["locations"]?.array?.first?["physicalLocation"]?["region"]
        #expect(region?["startLine"]?.integer == 2)
        #expect(found["fixes"]?.array?.count ?? 0 <= 1)
    }
}
