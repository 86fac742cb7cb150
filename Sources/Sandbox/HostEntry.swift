// Names other than localhost in a container's /etc/hosts.

internal import Glibc

/// A line of /etc/hosts.
public struct HostEntry: Sendable, Hashable, Codable {
    /// The host's name.
    public let name: String
    /// An IPv4 or IPv6 address, or `host-gateway`: the address at which the container reaches this machine.
    public let address: String

    /// The placeholder for this machine's address.
    public static let gateway = "host-gateway"

    /// An entry that resolves `name` to `address`.
    public init(name: String, address: String) throws(SandboxError) {
        let allowed = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != 0x23 }
        guard !name.isEmpty, allowed, address == Self.gateway || Self.isAddress(address) else {
            throw .malformedHost("\(name):\(address)")
        }
        self.name = name
        self.address = address
    }

    /// Parses `NAME:ADDRESS` or `NAME=ADDRESS`; an IPv6 address may be in brackets.
    public init(parsing text: String) throws(SandboxError) {
        guard let separator = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else { throw .malformedHost(text) }
        var address = text[text.index(after: separator)...]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        do throws(SandboxError) {
            try self.init(name: String(text[..<separator]), address: String(address))
        } catch {
            throw .malformedHost(text)
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        var storage = in6_addr()
        return unsafe inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
