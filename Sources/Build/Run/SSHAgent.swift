internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A `--ssh`: the agent that signs for a command.
public enum SSHAgent: Sendable, Hashable, Codable {
    /// The agent that listens at this socket.
    case socket(String)
    /// An agent started by thaw with the keys in these files; it ends with the command.
    case keys([String])
}

/// An `ssh-agent` with keys, started for a command.
///
/// It ends with this object, and with this process even if that is killed. For that, the agent runs a program that waits
/// until a pipe of this process closes.
final class KeyAgent: Sendable {
    let socket: FilePath
    private let directory: FilePath
    private let process: Int32
    private let lifeline: Int32

    /// Starts an agent that listens in a new directory, whose path is short enough for a socket.
    ///
    /// - Throws: ``BuildError/noProgram(_:package:)`` without Debian's openssh-client, ``BuildError/badKey(_:)`` for a
    ///   file that holds no key, or one with a passphrase.
    init(_ keys: [String]) throws {
        directory = FilePath("/tmp/thaw-agent.\(UInt64.random(in: 0 ... .max))")
        _ = try Directory.make(directory, mode: 0o700)
        socket = directory.appending("socket")
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let end = OwnedDescriptor(owning: ends[0])
        lifeline = ends[1]
        do throws(SystemError) {
            let wait = ["sh", "-c", "cat; kill $SSH_AGENT_PID"]
            process = try Spawn.start(["ssh-agent", "-a", socket.string] + wait, streams: [end.rawValue, nil, nil])
        } catch {
            close(lifeline)
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            throw BuildError.noProgram("ssh-agent", package: "openssh-client")
        }
        // It doesn't report when it is ready; five seconds are long for a bind().
        for _ in 0..<1000 where (try? UnixSocket.connect(to: socket)) == nil { usleep(5000) }
        for key in keys {
            let environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "SSH_AUTH_SOCK=\(socket)"]
            let adding = try Spawn.start(["ssh-add", "-q", key], environment: environment, streams: [nil, nil, nil])
            guard Spawn.wait(adding) == .exited(0) else { throw BuildError.badKey(key) }
        }
    }

    deinit {
        close(lifeline)
        _ = Spawn.wait(process)
        // An empty directory that stays does no harm.
        try? Directory("/tmp").removeTree(FilePath(directory.lastComponent?.string ?? ""))
    }
}

/// The socket of an agent of `--ssh`; an agent for keys in files runs as long as this value exists.
struct RunningAgent: Sendable {
    let socket: FilePath
    private let keys: KeyAgent?

    /// Starts an agent if there is none yet; blocks, and throws as ``KeyAgent``.
    init(_ agent: SSHAgent) throws {
        switch agent {
        case .socket(let path): (socket, keys) = (FilePath(path), nil)
        case .keys(let files):
            let made = try KeyAgent(files)
            (socket, keys) = (made.socket, made)
        }
    }
}

/// A socket for a command that replaces an agent's own: it passes on requests for the list of keys and for signatures.
///
/// The agent may belong to a user whose socket the command's user can't open. All other requests fail: a command must
/// not add, remove or lock keys, or make the agent load a library.
final class AgentRelay: Sendable {
    private let listener: OwnedDescriptor
    private let agent: RunningAgent

    /// Listens in `directory` under `name`, for the given owner, which is stored with `ids`.
    init(
        to agent: SSHAgent, in directory: Directory, as name: FilePath, _ owner: RunMount.Owner, ids: IDMap = .initial
    ) throws {
        self.agent = try RunningAgent(agent)
        // Fail now if the agent is missing; later only the command would fail, without a reason.
        _ = try UnixSocket.connect(to: self.agent.socket)
        // An earlier debug session of a failed step may have left its socket.
        if try directory.exists(name) { try directory.remove(name) }
        listener = try UnixSocket.listen(in: directory, as: name)
        try directory.setOwner(of: name, uid: ids.stored(owner.uid), gid: ids.stored(owner.gid))
        try directory.setMode(of: name, owner.mode)
        start()
    }

    /// Accepts no more connections.
    func stop() { UnixSocket.stopListening(listener) }

    /// The most connections at a time; a further one is closed.
    private static let limit = 32

    /// Serves each connection on a thread of its own.
    private func start() {
        let count = Counter()
        WorkerThread.start { [self] in
            while let peer = UnixSocket.accept(listener) {
                guard count.add(limit: Self.limit) else { continue }
                let number = peer.release()
                WorkerThread.start { [agent] in
                    defer { count.remove() }
                    let peer = OwnedDescriptor(owning: number)
                    guard let upstream = try? UnixSocket.connect(to: agent.socket) else { return }
                    // An error of either side ends the connection.
                    try? AgentConnection.serve(peer, from: upstream)
                }
            }
        }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)

        func add(limit: Int) -> Bool {
            count.withLock { count in
                guard count < limit else { return false }
                count += 1
                return true
            }
        }

        func remove() { count.withLock { $0 -= 1 } }
    }
}

/// One connection to an SSH agent (RFC draft-miller-ssh-agent, sections 3 and 5.1): one response for each request.
///
/// ```
/// length (4 bytes, big-endian) | type (1 byte) | contents
/// ```
enum AgentConnection {
    /// The types of the requests that are passed on: list the keys, sign.
    private static let allowed: Set<UInt8> = [11, 13]
    private static let failure: [UInt8] = [0, 0, 0, 1, 5]
    /// The longest message, as in OpenSSH.
    private static let limit = 256 << 10

    /// Serves requests until `client` closes the connection.
    static func serve(_ client: borrowing OwnedDescriptor, from agent: borrowing OwnedDescriptor) throws {
        while let request = try message(of: client) {
            guard allowed.contains(request[4]) else {
                try client.write(failure)
                continue
            }
            try agent.write(request)
            guard let response = try message(of: agent) else { return }
            try client.write(response)
        }
    }

    /// Reads a message with its length; nil at the end of the stream, or if it is empty or too long.
    private static func message(of stream: borrowing OwnedDescriptor) throws -> [UInt8]? {
        guard let head = try bytes(4, of: stream) else { return nil }
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= limit, let contents = try bytes(length, of: stream) else { return nil }
        return head + contents
    }

    private static func bytes(_ count: Int, of stream: borrowing OwnedDescriptor) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try stream.read(count - bytes.count)
            if piece.isEmpty { return nil }
            bytes += piece
        }
        return bytes
    }
}
