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
            [optimize]
            cures = ["python-bytecode"]
            [budget]
            size = "60MB"
            unpacked = "1.5GB"
            layers = 20
            waste = "1kB"
            start = "500ms"
            largest-layer = 40000000
            growth = "+2%"
            waste-ratio = 0.02
            leftovers = 0
            duplicates = "5MB"
            secrets = 0
            setuid = 1
            vulnerabilities = { high = 2, critical = 0 }
            root = false
            healthcheck = true
            forbidden-packages = ["curl"]
            start-work = 250000000
            [[waive]]
            rule = "waste-ratio"
            reason = "soon better"
            until = "2027-01-31"
            [[secrets.rule]]
            id = "acme"
            pattern = "acme_[a-z]{9}"
            [[secrets.allow]]
            path = "app/tests"
            rule = "private-key"
            fingerprint = "0123456789ab"
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
        let budget = project.budget
        #expect(budget.startWork == 250_000_000)
        #expect(budget.largestLayer == ByteCount(40_000_000) && budget.leftovers == ByteCount(0))
        #expect(budget.growth == .part(0.02) && budget.wasteRatio == 0.02 && budget.duplicates == ByteCount(5_000_000))
        #expect(budget.secrets == 0 && budget.setuid == 1 && budget.forbidsRoot && budget.needsHealthcheck)
        #expect(
            budget.vulnerabilities == [.init(severity: "critical", count: 0), .init(severity: "high", count: 2)])
        #expect(project.cures == ["python-bytecode"])
        #expect(budget.forbiddenPackages == ["curl"])
        #expect(project.waivers == [.init(rule: "waste-ratio", reason: "soon better", until: "2027-01-31")])
        #expect(project.secrets.rules == [.init(id: "acme", pattern: "acme_[a-z]{9}")])
        let allowance = ProjectFile.Secrets.AllowedSecret(
            path: "app/tests", rule: "private-key", fingerprint: "0123456789ab", reason: nil)
        #expect(project.secrets.allowances == [allowance])
        for (section, keys) in ProjectFile.keys where !["", "secrets"].contains(section) {
            for key in keys where !["tcp", "exec", "log", "reason"].contains(key) {
                #expect(text.contains("\n\(key) = "))
            }
        }
    }

    @Test("A waiver lifts its budget until its last day")
    func waived() throws {
        let text = "[budget]\nlayers = 2\n[[waive]]\nrule = \"layers\"\nreason = \"x\"\nuntil = \"2027-01-31\"\n"
        let project = try ProjectFile(parsing: text, name: "t")
        #expect(project.budget(on: "2027-01-31").isEmpty && project.budget(on: "2027-02-01").layers == 2)
    }

    @Test("An empty file gives an empty project")
    func empty() throws {
        #expect(try ProjectFile(parsing: "", name: "thaw.toml") == ProjectFile())
    }

    @Test(
        "An unknown key has its line and the keys of its section",
        arguments: [
            ("[budget]\nsize = 1\nsizes = 2", "budget.sizes", 3), ("[budjet]\nsize = 1", "budjet", 1),
            ("budget.sizes = 1", "budget.sizes", 1), ("[budget]\n\"wast\" = 1", "budget.wast", 2),
            ("[build]\ntarget = \"x\"\n\n[budget]\ntarget = 1", "budget.target", 5),
            ("budget = { sizes = 1 }", "budget.sizes", 1),
            ("[[secrets.allow]]\npath = \"x\"\nrul = \"y\"", "secrets.allow.rul", 3),
        ])
    func unknown(text: String, path: String, line: Int) {
        let error = #expect(throws: ProjectError.self) { try ProjectFile(parsing: text, name: "t") }
        guard let error, case .unknownKeys(_, let keys) = error else {
            Issue.record("no error about keys")
            return
        }
        #expect(keys.map(\.path) == [path] && keys.map(\.line) == [line] && keys[0].known.count > 2)
        #expect("\(error)".hasPrefix("t:\(line): unknown key '\(path)'"))
    }

    @Test(
        "An error names its key",
        arguments: [
            ("[budget]\nsizes = \"1MB\"", "sizes"), ("[budjet]\nsize = \"1MB\"", "budjet"),
            ("[budget]\nsize = \"many\"", "budget.size"), ("[budget]\nlayers = 0", "budget.layers"),
            ("[budget]\nlayers = \"2\"", "layers"), ("[probe]\ntimeout = \"soon\"", "probe.timeout"),
            ("[probe]\nhttp = \"1/\"\ntcp = 2", "http and tcp"), ("[budget\n", "thaw.toml:1"),
            ("[budget]\nsize = -1", "budget.size"), ("[budget]\nsize = true", "budget.size"),
            ("[budget]\ngrowth = \"-2%\"", "budget.growth"), ("[budget]\nwaste-ratio = 2", "waste-ratio"),
            ("[budget]\nsecrets = -1", "budget.secrets"),
            ("[[waive]]\nrule = \"x\"\nreason = \"y\"\nuntil = \"2027-01-01\"", "waive.rule"),
            ("[[waive]]\nrule = \"size\"\nreason = \"\"\nuntil = \"2027-01-01\"", "waive.reason"),
            ("[[waive]]\nrule = \"size\"\nreason = \"y\"\nuntil = \"soon\"", "waive.until"),
            ("[[waive]]\nrule = \"size\"\nreason = \"y\"", "until"),
            ("[[secrets.allow]]\nreason = \"y\"", "secrets.allow"), ("[[secrets.rule]]\nid = \"y\"", "pattern"),
        ])
    func wrong(text: String, named: String) {
        #expect {
            try ProjectFile(parsing: text, name: "thaw.toml")
        } throws: {
            "\($0)".hasPrefix("thaw.toml") && "\($0)".contains(named) && !"\($0)".contains("\n")
        }
    }
}
