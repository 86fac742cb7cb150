import Harness
import Testing

/// The network of RUN in the steps of one build.
@Suite("RUN's network", .enabled(if: Program.exists("pasta"), "pasta is not installed; 'make deps' installs it"))
struct RunNetworkTests {
    @Test("Consecutive steps share a network; a privileged step has one of its own")
    func reuse() throws {
        let directory = try TestDirectory.withBusybox()
        let look = "ls -l /proc/self/ns/net | sed 's/.*-> //'"
        try directory.build(
            """
            FROM busybox
            RUN \(look) >/tmp/1
            RUN \(look) >/tmp/2
            RUN --security=insecure \(look) >/tmp/3
            RUN \(look) >/tmp/4; ip route | grep -c ^default >/tmp/routes
            RUN cat /tmp/? /tmp/routes >/all
            """, "--allow", "security.insecure")
        let image = try Inspection("app", in: directory)
        let lines = try image.content(of: "all", inLayer: image.listings().count - 1)
            .split(separator: "\n").map(String.init)
        try #require(lines.count == 5)
        #expect(lines[0] == lines[1])
        #expect(lines[2] != lines[1], "the user namespace of a privileged step owns another network")
        #expect(lines[3] != lines[2], "a privileged step's network ends with it")
        #expect(try lines[0] != Program.shell("readlink /proc/self/ns/net"))
        #expect(lines[4] == "1")
    }
}

/// The network of RUN on a machine that can't make a private network.
@Suite("RUN's network without pasta") struct NoIsolationTests {
    private static let noPasta = ["PATH": "/nowhere"]

    /// A server on this machine's loopback that runs until it is killed.
    private struct Server {
        let program: Program
        let port: Int

        init() throws {
            port = Int.random(in: 20_000..<32_000)
            program = try Program(["python3", "-m", "http.server", "--bind", "127.0.0.1", "\(port)"])
            try Program.shell(
                "for i in $(seq 300); do busybox nc 127.0.0.1 \(port) </dev/null && exit; sleep 0.1; done; exit 1")
        }

        func end() {
            program.kill()
            _ = program.wait()
        }
    }

    private func build(_ directory: TestDirectory, _ line: String, _ options: String...) throws -> ProgramResult {
        try directory.write("context/Dockerfile", "FROM busybox\n\(line)\n")
        return try directory.start(
            ["build", "--progress", "plain", "--no-cache"] + options + ["context"], environment: Self.noPasta
        ).wait()
    }

    @Test("RUN can't reach the host, and the message of a failed step names the missing network")
    func unasked() throws {
        let server = try Server()
        defer { server.end() }
        let directory = try TestDirectory.withBusybox()
        let reach = "nc 127.0.0.1 \(server.port) </dev/null && echo REACHED"
        let look = "ls /sys/class/net; \(reach); arping -c 1 -I lo 127.0.0.1"
        let failed = try build(directory, "RUN \(look)")
        let lack = "pasta, which connects a network of its own, is not installed"
        let cure = "apt-get install passt, or allow this machine's network by --network=host"
        #expect(failed.status == 1)
        #expect(failed.error.contains("[0:2] lo\n"))
        #expect(!failed.error.contains("REACHED\n"), "\(failed.error)")
        #expect(failed.error.contains("Operation not permitted"), "AF_PACKET: \(failed.error)")
        #expect(failed.error.hasPrefix("note: RUN has no network: \(lack); \(cure)\n"), "\(failed.error)")
        #expect(failed.stderrLines.last == "      this step had no network: \(lack); \(cure)")
        let again = try directory.start(["debug", "ls", "/sys/class/net"], environment: Self.noPasta).wait()
        #expect(again.output == "lo\n" && again.error.contains("note: RUN has no network: \(lack)"))
    }

    @Test("RUN has the host's network if the command line allows it")
    func allowed() throws {
        let server = try Server()
        defer { server.end() }
        let directory = try TestDirectory.withBusybox()
        let reach = "nc 127.0.0.1 \(server.port) </dev/null && echo REACHED"
        let host = try build(directory, "RUN \(reach)", "--network", "host")
        #expect(host.status == 0)
        #expect(host.error.contains("REACHED\n") && !host.error.contains("note:"), "\(host.error)")
        #expect(try build(directory, "RUN --network=host \(reach)", "--allow", "network.host").status == 0)
        #expect(try build(directory, "RUN --network=host \(reach)").error.contains("--allow network.host"))
        let none = try build(directory, "RUN --network=none \(reach)")
        #expect(none.status == 1)
        #expect(!none.error.contains("no network:"), "it asked for none")
    }

    @Test("RUN has no network if pasta fails, and a note has pasta's message")
    func failing() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("bin/pasta", "#!/bin/sh\necho 'No routable interface' >&2; exit 1\n", mode: 0o755)
        try directory.write("context/Dockerfile", "FROM busybox\nRUN ls /sys/class/net; false\n")
        let outcome = try directory.start(
            ["build", "--progress", "plain", "context"], environment: ["PATH": "\(directory.path)/bin"]
        ).wait()
        #expect(outcome.status == 1)
        let note = "note: RUN has no network: pasta failed: No routable interface"
        #expect(outcome.error.contains(note), "\(outcome.error)")
        #expect(outcome.error.contains("[0:2] lo\n"))
        #expect(outcome.stderrLines.last?.contains("this step had no network: pasta failed") == true)
    }

    @Test("doctor reports what private networks need")
    func doctor() throws {
        let directory = try TestDirectory.withBusybox()
        let outcome = try directory.start(["doctor"], environment: Self.noPasta).wait()
        #expect(
            outcome.output.contains(
                """
                no   networks of their own for RUN: pasta, which connects a network of its own, is not installed; RUN has no network
                       apt-get install passt, or allow this machine's network by --network=host
                """), "\(outcome.output)")
        #expect(outcome.output.contains("limits of memory, processes and CPUs: "))
    }
}
