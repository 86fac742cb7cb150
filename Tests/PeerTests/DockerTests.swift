import Glibc
import Harness
import Testing

/// Docker's own engine, on a directory and a socket of its own, without a network.
private final class DockerEngine {
    let host: String
    private let program: Program

    init(in path: String) throws {
        host = "unix://\(path)/docker.sock"
        program = try Program(
            [
                "dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs",
                "--data-root=\(path)/data", "--exec-root=\(path)/exec", "--pidfile=\(path)/docker.pid", "-H", host,
            ], in: path)
        try Program.shell(
            "for i in $(seq 600); do docker -H \(host) version >/dev/null 2>&1 && exit; sleep 0.1; done; exit 1")
    }

    deinit {
        program.signal(SIGTERM)
        _ = program.wait()
    }

    func docker(_ words: String) throws -> String { try Program.shell("docker -H \(host) \(words)") }
}

/// Copies of images to and from Docker.
///
/// Without an engine, `OutputTests` check the same against its recorded responses.
@Suite(
    .enabled(
        if: Program.exists("dockerd") && Program.exists("docker") && getuid() == 0,
        "docker.io is not installed, or this is not root; OutputTests have a recorded engine"))
struct DockerTests {
    @Test("Docker runs thaw's image; its copy and its archive are the same image in thaw")
    func roundTrip() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nRUN echo made >/made\nLABEL a=b\nCMD [\"cat\", \"/made\"]\n")
        let engine = try DockerEngine(in: directory.path)
        let environment = ["DOCKER_HOST": engine.host]
        func succeed(_ words: String...) throws -> String {
            let outcome = try directory.start(words, environment: environment).wait()
            #expect(outcome.status == 0, "\(outcome.error)")
            return outcome.line
        }
        _ = try succeed("copy", "app", "docker-daemon:app")
        #expect(try engine.docker("run --rm --network none app") == "made")
        let id = try engine.docker("image inspect -f '{{.Id}}' app")
        _ = try succeed("copy", "docker-daemon:app", "back")
        _ = try succeed("inspect", "--verify", "back")
        #expect(try Inspection("back", in: directory).manifest["config"]["digest"] == .string(id))
        #expect(try succeed("diff", "--exit-code", "app", "back").hasPrefix("The images "))
        _ = try engine.docker("save app -o \(directory.path)/saved.tar")
        #expect(try succeed("load", "-i", "saved.tar") == "app:latest")
        #expect(try Inspection("app", in: directory).manifest["config"]["digest"] == .string(id))
        let absent = try directory.thaw("history", "docker-daemon:absent", environment: environment)
        #expect(absent.status == 1)
        #expect(absent.error.hasPrefix("thaw: docker-daemon:absent:latest: Docker responded with status 404: "))
        #expect(try directory.faults() == [])
    }
}
