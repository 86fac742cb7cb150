internal import HTTP
internal import Linux
internal import Synchronization
internal import SystemPackage

/// The certificates of each host, from directories in the form of containers-certs.d(5) and Docker, read once.
///
/// ```
/// certs.d/HOST[:PORT]/ca.crt                     an authority, in addition to the system's
///                     client.cert  client.key    the client's certificate and key
/// ```
final class Certificates: Sendable {
    /// Directories with one directory for each host.
    private let roots: [FilePath]
    /// Directories that apply to every host.
    private let common: [FilePath]
    private let isInsecure: @Sendable (String) -> Bool
    private let known = Mutex<[String: Trust]>([:])

    init(roots: [FilePath], common: [FilePath], isInsecure: @Sendable @escaping (String) -> Bool) {
        self.roots = roots
        self.common = common
        self.isInsecure = isInsecure
    }

    func trust(for address: WebAddress) throws -> Trust {
        let host = address.authority
        if let trust = known.withLock({ $0[host] }) { return trust }
        var trust = Trust()
        trust.isInsecure = isInsecure(host)
        let names = host == address.host ? [host, "\(host):\(address.port)"] : [host]
        for root in roots {
            for name in names where FilePath(name).components.count == 1 {
                try add(root.appending(name), to: &trust)
            }
        }
        for directory in common { try add(directory, to: &trust) }
        known.withLock { $0[host] = trust }
        return trust
    }

    private func add(_ path: FilePath, to trust: inout Trust) throws {
        guard let directory = try? Directory(path) else { return }
        for name in try directory.entries().map({ String(decoding: $0.name, as: UTF8.self) }).sorted() {
            let file = path.appending(name)
            if name.hasSuffix(".crt") {
                trust.authorities += try directory.contents(of: FilePath(name), limit: 4 << 20) + Array("\n".utf8)
            } else if name.hasSuffix(".cert") {
                let key = FilePath(name.dropLast("cert".count) + "key")
                guard try directory.exists(key) else {
                    throw RegistryError.malformedFile(file.string, reason: "its key '\(key)' is missing")
                }
                trust.client = .init(certificate: file, key: path.appending(key.components))
            }
        }
    }
}
