import Linux
import SystemPackage
import Testing

@Suite("Programs of this machine")
struct SpawnTests {
    @Test("The end of a program is its exit status or a signal")
    func ends() throws {
        func end(_ script: String) throws -> Spawn.ExitStatus {
            Spawn.wait(try Spawn.start(["sh", "-c", script], streams: [nil, nil, nil]))
        }
        #expect(try end("exit 0") == .exited(0))
        #expect(try end("exit 7") == .exited(7))
        #expect(try end("kill -9 $$") == .signalled(9))
        #expect(try end("kill -9 $$").status == nil)
    }

    @Test("The environment is the given one, or that of this process")
    func environment() throws {
        let script = "[ \"$ONLY\" = this ] && [ -z \"$HOME\" ]"
        let words = ["sh", "-c", script]
        let given = try Spawn.start(words, environment: ["ONLY=this"], streams: [nil, nil, nil])
        #expect(Spawn.wait(given) == .exited(0))
        #expect(Spawn.wait(try Spawn.start(["sh", "-c", "[ -n \"$PATH\" ]"], streams: [nil, nil, nil])) == .exited(0))
    }

    @Test("A missing program is an error, and so are no arguments")
    func absent() {
        #expect(throws: SystemError.self) { try Spawn.start(["no such program"], streams: []) }
        #expect(throws: SystemError.self) { try Spawn.start([], streams: []) }
    }
}
