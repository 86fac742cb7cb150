import Harness
import Testing

/// `thaw optimize --cures` on images that are built here: each cure is proven, counted, and kept or dropped.
@Suite(
    "Cures of real images", .serialized, .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
struct CureRunTests {
    private static func optimize(_ directory: TestDirectory, _ cures: String) throws -> Document {
        let outcome = try directory.thaw(
            "optimize", "--engine", "container", "--runs", "1", "--settle", "0s", "--progress", "quiet", "--cures",
            cures, "--probe", "http:8080/", "--memory", "192MiB", "-t", "cured", "-o", "report", "app")
        #expect(outcome.status == 0, "\(outcome.error)\(outcome.output)")
        return try Document(parsing: directory.read("report/report.json"))
    }

    @Test("A Python server without compiled modules starts with less work once they are compiled")
    func python() throws {
        let directory = try TestDirectory()
        try directory.succeed("load", "-i", Bases.path)
        try directory.write(
            "context/Dockerfile",
            """
            FROM python:3-slim
            RUN find / -xdev -name '*.pyc' -delete && mkdir /www && echo up >/www/index.html
            EXPOSE 8080
            CMD ["python3", "-m", "http.server", "-d", "/www", "8080"]
            """)
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "context")
        let report = try Self.optimize(directory, "python-bytecode")
        let cure = try #require(report["cures"].list.first)
        #expect(cure["decision"] == .string("kept"), "\(cure)")
        #expect(try DocumentSchema("optimization").violations(by: report) == [])
        print("cure:", cure["reason"].text ?? "", "-", cure["effect"].text ?? "")
        #expect(try directory.faults() == [])
    }

    @Test(
        "A shell that only executes is left out, and debug sections go",
        .enabled(if: Program.exists("cc"), "cc is not installed"))
    func shellAndSections() throws {
        let directory = try TestDirectory.withBusybox()
        let source = "\(Repository.path)/fixtures/boot/server.c"
        _ = try Program.shell("mkdir -p context && cc -g -static -O1 -o context/server '\(source)'", in: directory.path)
        try directory.write(
            "context/Dockerfile",
            """
            FROM busybox
            COPY server /server
            EXPOSE 8080
            CMD exec /server serve 8080 200 ready
            """)
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "context")
        let report = try Self.optimize(directory, "exec-form,debug-sections")
        for cure in report["cures"].list {
            print("cure:", cure["name"].text ?? "", "-", cure["decision"].text ?? "", "-", cure["effect"].text ?? "")
        }
        #expect(report["cures"].list.map { $0["name"].text } == ["exec-form", "debug-sections"])
        #expect(report["cures"].list.last?["decision"] == .string("kept"))
        #expect(try directory.faults() == [])
    }

    @Test("--cures list prints all cures, and an unknown name is refused")
    func choice() throws {
        let directory = try TestDirectory()
        let list = try directory.succeed("optimize", "--cures", "list")
        #expect(list.split(separator: "\n").count >= 3)
        #expect(list.contains("python-bytecode  compile the Python modules"))
        let wrong = try directory.thaw("optimize", "--cures", "magic", "app")
        #expect(wrong.status == 64)
        #expect(wrong.stderrLines.first == "thaw: unknown cure 'magic'")
    }
}
