import Linux
import Testing

@testable import Project

@Suite("Project")
struct ProjectTests {
    @Test("Every key of thaw.toml is read")
    func whole() throws {
        let text = """
            [build]
            dockerfile = "D"
            target = "app"
            context = "sub"
            args = { V = "1" }
            [probe]
            http = "8080/healthz"
            timeout = "30s"
            [boot]
            engine = "qemu"
            kernel = "small"
            runs = 3
            memory = "256MiB"
            cpus = 2
            env = ["A=1"]
            [slim]
            keep = ["certs"]
            include = ["/app/**"]
            exclude = ["/x"]
            [budget]
            size = "60MB"
            unpacked = "1.5GB"
            layers = 20
            waste = "1kB"
            start = "500ms"
            """
        let project = try ProjectFile(parsing: text, name: "thaw.toml")
        #expect(project.build == ProjectFile.Build(dockerfile: "D", target: "app", context: "sub", args: ["V": "1"]))
        #expect(project.probe == "http:8080/healthz")
        #expect(project.probeTimeout == .seconds(30))
        #expect(project.boot.kernel == "small")
        #expect(project.boot.memory == ByteCount(256 << 20))
        #expect(project.boot.environment == ["A=1"])
        #expect(project.slim == ProjectFile.Slim(keep: ["certs"], include: ["/app/**"], exclude: ["/x"]))
        #expect(project.budget.size == ByteCount(60_000_000))
        #expect(project.budget.unpacked == ByteCount(1_500_000_000))
        #expect(project.budget.start == .milliseconds(500))
    }

    @Test("An empty file gives an empty project")
    func empty() throws {
        #expect(try ProjectFile(parsing: "", name: "thaw.toml") == ProjectFile())
    }

    @Test(
        "An error names its key",
        arguments: [
            ("[budget]\nsizes = \"1MB\"", "sizes"), ("[budjet]\nsize = \"1MB\"", "budjet"),
            ("[budget]\nsize = \"many\"", "budget.size"), ("[budget]\nlayers = 0", "budget.layers"),
            ("[budget]\nlayers = \"2\"", "layers"), ("[probe]\ntimeout = \"soon\"", "probe.timeout"),
            ("[probe]\nhttp = \"1/\"\ntcp = 2", "http and tcp"), ("[budget\n", "thaw.toml:1"),
        ])
    func wrong(text: String, named: String) {
        #expect {
            try ProjectFile(parsing: text, name: "thaw.toml")
        } throws: {
            "\($0)".hasPrefix("thaw.toml") && "\($0)".contains(named) && !"\($0)".contains("\n")
        }
    }
}
