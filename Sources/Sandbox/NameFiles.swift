// /etc/hosts and /etc/resolv.conf of a container.

internal import Linux
internal import SystemPackage

/// The bytes of a container's /etc/hosts and /etc/resolv.conf.
struct NameFiles {
    let hosts: [UInt8]
    let resolver: [UInt8]

    init(for command: Command) throws(SystemError) {
        let gateway = command.network.gateway(routes: try Self.contents("/proc/net/route") ?? [])
        hosts = Self.hosts(command, gateway: gateway)
        resolver = Self.resolver(
            command.network, host: try Self.contents("/etc/resolv.conf") ?? [],
            upstream: try Self.contents("/run/systemd/resolve/resolv.conf"))
    }

    static func hosts(_ command: Command, gateway: String) -> [UInt8] {
        var lines = ["127.0.0.1\tlocalhost \(command.hostname)", "::1\tlocalhost ip6-localhost ip6-loopback"]
        for entry in command.hosts {
            lines.append("\(entry.address == HostEntry.gateway ? gateway : entry.address)\t\(entry.name)")
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Returns the host's file with name servers that the container can reach.
    ///
    /// An isolated network can't reach a server on the host's loopback, such as systemd-resolved. Then the servers of
    /// `upstream`, which is that server's own configuration, are used. If there are none, the server is the address
    /// that `pasta` forwards.
    static func resolver(_ network: Network, host: [UInt8], upstream: [UInt8]?) -> [UInt8] {
        switch network {
        case .host: return host
        case .none: return Array("# This container has no network but its own.\n".utf8)
        case .isolated:
            let file = reaches(host) ? host : upstream ?? host
            if reaches(file) { return lines(file) { !isLoopback($0) } }
            return lines(file) { !isServer($0) } + Array("nameserver \(IsolatedNetwork.resolver)\n".utf8)
        }
    }

    private static func reaches(_ file: [UInt8]) -> Bool {
        file.split(separator: 0x0a).contains { isServer($0) && !isLoopback($0) }
    }

    private static func lines(_ file: [UInt8], where isKept: (ArraySlice<UInt8>) -> Bool) -> [UInt8] {
        file.split(separator: 0x0a).filter(isKept).flatMap { $0 + [0x0a] }
    }

    private static func isServer(_ line: ArraySlice<UInt8>) -> Bool {
        line.starts(with: "nameserver".utf8)
    }

    private static func isLoopback(_ line: ArraySlice<UInt8>) -> Bool {
        let words = line.split { $0 == 0x20 || $0 == 0x09 }
        return words.count > 1 && isServer(line)
            && (words[1].starts(with: "127.".utf8) || words[1].elementsEqual("::1".utf8))
    }

    private static func contents(_ path: FilePath) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try OwnedDescriptor(path).readAll(limit: 1 << 20)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }
}

extension Network {
    /// Returns the address at which a container on this network reaches this machine.
    ///
    /// - Parameter routes: The text of /proc/net/route. An isolated network has the host's gateway, whose address then
    ///   reaches the host.
    func gateway(routes: [UInt8]) -> String {
        guard self == .isolated else { return "127.0.0.1" }
        let rows = String(decoding: routes, as: UTF8.self).split(separator: "\n").map {
            $0.split { $0 == "\t" || $0 == " " }
        }
        let row = rows.first { $0.count > 2 && $0[1] == "00000000" }
        guard let number = row.flatMap({ UInt32($0[2], radix: 16) }) else { return "127.0.0.1" }
        return (0..<4).map { "\(number >> (8 * $0) & 0xff)" }.joined(separator: ".")
    }
}
