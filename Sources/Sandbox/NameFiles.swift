// /etc/hosts and /etc/resolv.conf of a container.

internal import Linux
internal import SystemPackage

/// What a container's two files of names hold.
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

    /// The host's file where the host's servers can be reached; `upstream` is what systemd's own server asks.
    static func resolver(_ network: Network, host: [UInt8], upstream: [UInt8]?) -> [UInt8] {
        switch network {
        case .host: host
        case .none: Array("# This container has no network but its own.\n".utf8)
        }
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
    /// Where a container on this network reaches this machine.
    fileprivate func gateway(routes: [UInt8]) -> String {
        "127.0.0.1"
    }
}
