import Glibc
import Linux
import SystemPackage

/// A directory for one test, removed with it.
final class TemporaryDirectory {
    let path: FilePath
    let directory: Directory

    init() throws {
        path = FilePath("/tmp/thaw-linux-tests.\(getpid()).\(UInt32.random(in: 0 ... .max))")
        directory = try Directory.make(path)
    }

    deinit {
        try? Directory("/tmp").removeTree(FilePath(path.components.last?.string ?? "nothing"))
    }

    func write(_ name: FilePath, _ text: String) throws {
        try directory.open(name, [.write, .create, .truncate]).write(Array(text.utf8))
    }

    func read(_ name: FilePath) throws -> String {
        String(decoding: try directory.contents(of: name, limit: 1 << 20), as: UTF8.self)
    }
}
