import Glibc
import Harness
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// Debian's own kernel; `nil` if this machine has none.
enum DebianKernel {
    static let path: FilePath? = {
        let home = unsafe getenv("HOME").map { unsafe String(cString: $0) } ?? "/root"
        for boot in ["/boot", "\(home)/.cache/thaw/kernel/boot"] {
            let entries = (try? Directory(FilePath(boot)).entries()) ?? []
            let kernels = entries.map { String(decoding: $0.name, as: UTF8.self) }.filter {
                $0.hasPrefix("vmlinuz-") && $0.hasSuffix("-cloud-amd64")
            }
            if let name = kernels.max() { return FilePath(boot).appending(name) }
        }
        return nil
    }()
}

/// A directory that is removed with the test.
final class TemporaryDirectory: Sendable {
    let path: FilePath

    init() throws {
        path = FilePath("/tmp/thaw-boot-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        _ = try Directory.make(path)
    }

    deinit { try? Directory("/tmp").removeTree(FilePath(path.lastComponent?.string ?? "")) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try Directory(path).replace(FilePath(name), with: bytes, isSynced: false)
        return path.appending(name)
    }

    func read(_ name: String) throws -> [UInt8] { try Directory(path).contents(of: FilePath(name), limit: 1 << 30) }
}
