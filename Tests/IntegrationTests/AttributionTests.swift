import Harness
import Testing

/// `thaw boot --profile` on a counted machine, against CPython's own figures.
@Suite(.serialized, .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
struct AttributionTests {
    /// Modules with different amounts of work, in the order in which the program imports them.
    private static let modules: [(name: String, rounds: Int)] = [
        ("alpha", 60_000), ("beta", 5_000), ("gamma", 140_000), ("delta", 20_000), ("epsilon", 100_000),
        ("zeta", 2_000), ("eta", 40_000),
    ]

    private static let server = """
        import \(modules.map(\.name).joined(separator: ", "))
        import socket
        s = socket.create_server(("", 8080))
        while True:
            c, _ = s.accept()
            c.recv(4096)
            c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            c.close()

        """

    private static func build(bytecode: Bool = true) throws -> TestDirectory {
        let directory = try TestDirectory()
        try directory.succeed("load", "-i", Bases.path)
        for module in modules {
            try directory.write(
                "context/app/lib/\(module.name).py",
                "total = 0\nfor i in range(\(module.rounds)):\n    total += i * i\n")
        }
        try directory.write("context/app/main.py", server)
        let compile = bytecode ? "python3 -m compileall -q --invalidation-mode unchecked-hash /srv/lib" : "true"
        try directory.build(
            """
            FROM python:3-slim
            COPY app/ /srv/
            RUN \(compile)
            ENV PYTHONPATH=/srv/lib
            EXPOSE 8080
            CMD ["python3", "-X", "importtime", "/srv/main.py"]

            """)
        return directory
    }

    private static let profiled = Result {
        let directory = try build()
        let outcome = try directory.thaw(
            "boot", "--engine", "qemu", "--deterministic", "--probe", "http:8080/", "--profile", "start.folded",
            "--console", "console", "--save-baseline", "baseline.json", "app")
        #expect(outcome.status == 0, "\(outcome.error)")
        return (directory: directory, outcome: outcome)
    }

    /// The microseconds of each frame that is a module of the program, and the order of the modules.
    private static func ownModules(_ folded: String) -> [String: Int] {
        var sums: [String: Int] = [:]
        for line in folded.split(separator: "\n") {
            guard let space = line.lastIndex(of: " "), let time = Int(line[line.index(after: space)...]) else {
                continue
            }
            let frames = line[..<space].split(separator: ";")
            for module in modules
            where frames.contains(where: { $0.contains("/srv/lib/") && $0.contains("/\(module.name).") }) {
                sums[module.name, default: 0] += time
            }
        }
        return sums
    }

    /// CPython's own figures: a line for each import with its own time in microseconds, in the order of their ends.
    private static func importTimes(_ console: String) -> [(name: String, own: Int)] {
        console.split(whereSeparator: \.isNewline).compactMap { line in
            guard let start = line.firstRange(of: "import time:") else { return nil }
            let fields = line[start.upperBound...].split(separator: "|").map {
                String($0).split(separator: " ").joined()
            }
            guard fields.count == 3, let own = Int(fields[0]) else { return nil }
            return (fields[2], own)
        }
    }

    @Test("The modules have the order and the largest times of python3 -X importtime")
    func importTime() throws {
        let (directory, _) = try Self.profiled.get()
        let times = Self.importTimes(try directory.read("console"))
        let names = Set(Self.modules.map(\.name))
        #expect(times.map(\.name).filter(names.contains) == Self.modules.map(\.name))
        let baseline = try Document(parsing: directory.read("baseline.json"))
        let opened = baseline["attribution"]["modules"].list.compactMap(\.text).compactMap { path in
            Self.modules.first { path.hasPrefix("/srv/lib/") && path.contains("/\($0.name).") }?.name
        }
        #expect(opened == Self.modules.map(\.name))
        let measured = Self.ownModules(try directory.read("start.folded"))
        let largest = measured.sorted { $0.value > $1.value }.prefix(5).map(\.key)
        let expected = times.filter { names.contains($0.name) }.sorted { $0.own > $1.own }.prefix(5).map(\.name)
        #expect(largest == expected, "\(measured) \(times.filter { names.contains($0.name) })")
    }

    @Test("The samples are within 2 percent of the kernel's figure, and the parts add up to it")
    func sum() throws {
        let (directory, _) = try Self.profiled.get()
        let baseline = try Document(parsing: directory.read("baseline.json"))
        let attribution = baseline["attribution"]
        let whole = try #require(attribution["milliseconds"].number)
        let sampled = try #require(attribution["sampledMilliseconds"].number)
        #expect(abs(sampled / whole - 1) < 0.02, "\(sampled) of \(whole)")
        let parts = attribution["parts"].list.compactMap(\.["milliseconds"].number).reduce(0, +)
        #expect(abs((parts + (attribution["otherMilliseconds"].number ?? 0)) / whole - 1) < 0.001)
    }

    @Test("A gate against a baseline names the modules that lost their bytecode")
    func lostBytecode() throws {
        let (directory, _) = try Self.profiled.get()
        let changed = try Self.build(bytecode: false)
        try changed.write("baseline.json", directory.read("baseline.json"))
        let outcome = try changed.thaw(
            "gate", "--engine", "qemu", "--probe", "http:8080/", "--baseline", "baseline.json", "app")
        #expect(outcome.status == 2, "\(outcome.output)\(outcome.error)")
        #expect(outcome.output.contains("CPython compiles 7 modules, layer"), "\(outcome.output)")
    }
}
