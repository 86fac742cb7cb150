import Glibc
import Harness
import Testing

/// `thaw build` killed at any moment.
@Suite(.serialized) struct KillTests {
    static let dockerfile = """
        FROM busybox AS first
        RUN mkdir /first && for i in 1 2 3 4 5; do echo $i >/first/$i; done
        RUN rm -rf /base && ln /first/1 /first/again
        COPY tree /tree
        FROM busybox
        COPY --from=first /first /first
        RUN for i in 1 2 3 4 5 6; do usleep 10000; cat /first/* >>/second; done
        COPY tree /tree
        RUN chmod -R a-w /tree
        """

    private func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", Self.dockerfile)
        try Program.shell(
            """
            mkdir context/tree && cd context/tree && for i in $(seq 300); do echo $i >$i; done
            find .. -exec touch -h -d @1700000000 {} +
            """, in: directory.path)
        return directory
    }

    @Test(
        "Killed after any delay and run again, a build gives the same digest and leaves nothing",
        arguments: [(SIGKILL, 10), (SIGTERM, 4), (SIGINT, 4)])
    func killed(signal: Int32, rounds: Int) throws {
        let undisturbed = try directory()
        let clock = ContinuousClock()
        let start = clock.now
        let digest = try undisturbed.succeed("build", "--progress", "quiet", "-t", "app", "context")
        let length = start.duration(to: clock.now)

        let directory = try directory()
        for round in 0..<rounds {
            let program = try directory.start(["build", "--progress", "quiet", "-t", "app", "context"])
            let delay = length / rounds * round + .microseconds(Int.random(in: 0...20_000))
            let (seconds, attoseconds) = delay.components
            usleep(UInt32(seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
            program.signal(signal)
            let outcome = program.wait()
            #expect([0, -signal, 130, 128 + signal].contains(outcome.status), "\(outcome.error)")
            if round % 4 == 3 { #expect(try directory.faultsAfterKill() == []) }
        }
        #expect(try Program.shell("cat /proc/self/mountinfo").contains(directory.path) == false)
        #expect(try directory.processes() == [])
        #expect(try directory.succeed("build", "--progress", "quiet", "-t", "app", "context") == digest)
        #expect(try directory.succeed("build", "--no-cache", "--progress", "quiet", "-t", "app", "context") == digest)
        try directory.succeed("prune")
        #expect(try directory.faults() == [])
    }

    @Test("A killed load leaves whole images or none, and succeeds when run again")
    func killedLoad() throws {
        let directory = try TestDirectory()
        for round in 0..<6 {
            let program = try directory.start(["load", "-i", Bases.path])
            usleep(UInt32(round * 60_000 + Int.random(in: 0...50_000)))
            program.kill()
            _ = program.wait()
            #expect(try directory.faultsAfterKill() == [])
        }
        let names = try directory.succeed("load", "-i", Bases.path).split(separator: "\n")
        #expect(Set(names) == ["debian:bookworm-slim", "python:3-slim", "gcc:12"])
        try directory.succeed("prune")
        #expect(try directory.faults() == [])
    }
}

extension TestDirectory {
    /// Returns the store's faults, without half-written files of a killed process in directories that are swept.
    fileprivate func faultsAfterKill() throws -> [String] {
        try faults().filter { !$0.hasPrefix("thaw/ingest/") && !$0.hasPrefix("thaw/layers/tmp.") }
    }

    /// Returns processes with open files, roots or working directories below the bench, after up to a second.
    fileprivate func processes() throws -> [String] {
        let script = """
            for try in 1 2 3 4 5 6 7 8 9 10; do
                found=$(ls -ld /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd/* 2>/dev/null | grep -F '-> \(path)' || true)
                [ -z "$found" ] && exit 0
                sleep 0.1
            done
            echo "$found"
            """
        return try Program.shell(script).split(separator: "\n").map(String.init)
    }
}
