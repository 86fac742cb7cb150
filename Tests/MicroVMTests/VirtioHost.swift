import Glibc
import Linux
import SystemPackage

/// A temporary directory, removed with this object; its path is short enough for sockets.
final class SocketDirectory {
    let path: FilePath

    init() throws {
        var template = Array("/tmp/thaw-vm-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    deinit {
        try? Directory(path.removingLastComponent()).removeTree(FilePath(path.lastComponent?.string ?? ""))
    }
}

/// A process of the host, with its stderr discarded.
struct Spawned {
    private let number: pid_t

    init(_ program: String, _ arguments: [String]) throws {
        var number: pid_t = 0
        let all = ["sh", "-c", "exec \"$0\" \"$@\" 2>/dev/null", program] + arguments
        var words = unsafe all.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        let code = unsafe posix_spawn(&number, "/bin/sh", nil, nil, &words, environ)
        guard code == 0 else { throw Errno(rawValue: code) }
        self.number = number
    }

    /// Connects to a socket that the process is about to create.
    func connect(to path: FilePath) throws -> OwnedDescriptor {
        for _ in 0..<500 {
            if let socket = try? UnixSocket.connect(to: path) { return socket }
            usleep(10_000)
        }
        return try UnixSocket.connect(to: path)
    }

    func end() {
        kill(number, SIGTERM)
        _ = waitpid(number, nil, 0)
    }
}
