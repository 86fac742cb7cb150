import Linux
import Support
import SystemPackage
import Testing

@testable import Build

@Suite("The relay to an SSH agent")
struct AgentRelayTests {
    private func request(_ name: FilePath, of workspace: Workspace, _ message: [UInt8]) throws -> [UInt8] {
        let peer = try UnixSocket.connect(to: workspace.path.appending(name.components))
        try peer.write(message)
        return try peer.read(100)
    }

    /// A message of an agent: its length, its type and its contents.
    private func message(_ type: UInt8, _ contents: String = "") -> [UInt8] {
        [0, 0, 0, UInt8(contents.utf8.count + 1), type] + Array(contents.utf8)
    }

    @Test("Lists and signatures pass the relay for every peer, until it stops; other requests fail")
    func relays() throws {
        let workspace = try Workspace()
        let directory = try Directory(workspace.path)
        let number = try UnixSocket.listen(in: directory, as: "agent").release()
        WorkerThread.start {
            let listener = OwnedDescriptor(owning: number)
            // The first connection is only the check that an agent listens.
            for _ in 0..<10 {
                guard let peer = UnixSocket.accept(listener), let said = try? peer.read(100) else { return }
                // The response has the type of the request plus one.
                if said.count > 4 { try? peer.write(Array(said[..<4]) + [said[4] + 1] + said[5...]) }
            }
        }
        let owner = RunMount.Owner(mode: 0o640, uid: 5, gid: 6)
        let agent = SSHAgent.socket(workspace.path.appending("agent").string)
        let relay = try AgentRelay(to: agent, in: directory, as: "relay", owner)
        #expect(try request("relay", of: workspace, message(11)) == message(12))
        // Remove all, lock, add, add a smartcard, an extension, and no type at all: the agent never sees them.
        for type in [19, 22, 17, 20, 27, 0] as [UInt8] {
            #expect(try request("relay", of: workspace, message(type, "x")) == message(5))
        }
        // The relay closes the connection, with a reset if it has not read all.
        let excessive = (try? request("relay", of: workspace, [0xff, 0xff, 0xff, 0xff, 11])) ?? []
        #expect(excessive == [])
        #expect(try request("relay", of: workspace, message(13, "data")) == message(14, "data"))
        let status = try directory.status(of: "relay")
        #expect(status.mode & 0o7777 == 0o640 && status.uid == 5 && status.gid == 6)
        relay.stop()
        #expect(throws: SystemError.self) { try request("relay", of: workspace, message(11)) }
    }

    @Test("A missing agent is an error before the command starts")
    func absent() throws {
        let workspace = try Workspace()
        let owner = RunMount.Owner(mode: 0o600, uid: 0, gid: 0)
        #expect(throws: SystemError.self) {
            let agent = SSHAgent.socket(workspace.path.appending("nowhere").string)
            _ = try AgentRelay(to: agent, in: try Directory(workspace.path), as: "relay", owner)
        }
    }

    @Test("An agent with the given keys ends with the relay; other files are an error")
    func keys() throws {
        let workspace = try Workspace()
        let directory = try Directory(workspace.path)
        let key = workspace.path.appending("key").string
        func run(_ words: [String], _ environment: [String]) throws -> Spawn.ExitStatus {
            Spawn.wait(
                try Spawn.start(words, environment: ["PATH=/usr/bin:/bin"] + environment, streams: [nil, nil, nil]))
        }
        #expect(try run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], []) == .exited(0))
        let owner = RunMount.Owner(mode: 0o600, uid: 0, gid: 0)
        let socket = "SSH_AUTH_SOCK=\(workspace.path.appending("relay"))"
        let relay = try AgentRelay(to: .keys([key]), in: directory, as: "relay", owner)
        #expect(try run(["ssh-add", "-l"], [socket]) == .exited(0))
        relay.stop()
        #expect(try run(["ssh-add", "-l"], [socket]) == .exited(2), "no agent is reachable")
        try workspace.write("text", "no key")
        #expect(throws: BuildError.self) {
            let keys = SSHAgent.keys([workspace.path.appending("text").string])
            _ = try AgentRelay(to: keys, in: directory, as: "other", owner)
        }
    }
}
