internal import CLinux
internal import Glibc
internal import Guest
internal import Linux
internal import MicroVM
internal import SystemPackage

/// QEMU's and slirp's usual addresses, which have no meaning outside.
private enum SlirpAddress {
    static let own: [UInt8] = [10, 0, 2, 15]
    static let gateway: [UInt8] = [10, 0, 2, 2]
    static let nameserver: [UInt8] = [10, 0, 2, 3]

    static func number(_ address: [UInt8]) -> UInt32 { address.reduce(0) { $0 << 8 | UInt32($1) } }
    static func text(_ address: [UInt8]) -> String { address.map(String.init).joined(separator: ".") }
}

/// The network of our own machine.
public enum MachineNetwork: String, Sendable, CaseIterable {
    /// Only the loopback interface.
    case none
    /// Outbound connections with this user's rights, except to the host's loopback address; no inbound ones.
    case outbound

    /// The network configuration for init.
    var addresses: BootSpec.NetworkCard? {
        guard self == .outbound else { return nil }
        return BootSpec.NetworkCard(
            address: SlirpAddress.number(SlirpAddress.own), prefix: 24,
            gateway: SlirpAddress.number(SlirpAddress.gateway),
            nameserver: SlirpAddress.number(SlirpAddress.nameserver))
    }
}

/// Debian's `passt`, which forwards a network card's frames through sockets of its own, without any privilege.
///
/// It ends when its socket closes.
struct Passt: ~Copyable {
    private let child: ChildProcess
    private let stderr: OutputPipe
    private let ours: OwnedDescriptor

    private static let timeout: UInt64 = 10_000_000_000

    private static let arguments = [
        "passt", "--foreground", "--quiet", "--fd", "3", "--ipv4-only", "--mtu", "1500", "--no-map-gw", "--no-dhcp",
        "--mac-addr", "02:74:68:61:77:02", "--address", SlirpAddress.text(SlirpAddress.own), "--netmask",
        "255.255.255.0",
        "--gateway", SlirpAddress.text(SlirpAddress.gateway),
        "--dns-forward", SlirpAddress.text(SlirpAddress.nameserver),
    ]

    /// Starts it, and waits until it responds.
    static func start() throws(ColdStartError) -> Passt {
        let passt = try launched()
        guard passt.gatewayAnswers() else { throw .toolFailed("passt", reason: passt.stderrTail()) }
        return passt
    }

    private static func launched() throws(ColdStartError) -> Passt {
        do throws(SystemError) { return try launch() } catch {
            let isMissing = error.errno == .noSuchFileOrDirectory
            throw .toolFailed("passt", reason: isMissing ? "Debian's package passt is not installed" : "\(error.errno)")
        }
    }

    private static func launch() throws(SystemError) -> Passt {
        var stderr = try OutputPipe()
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try system("make sockets") { unsafe socketpair(AF_UNIX, type, 0, &ends) }
        let own = OwnedDescriptor(owning: ends[0])
        let other = OwnedDescriptor(owning: ends[1])
        let child = try ChildProcess(
            arguments, descriptors: [stderr.writing, stderr.writing, other.rawValue], diesWithThread: true)
        stderr.closeWriting()
        return Passt(child: child, stderr: stderr, ours: own)
    }

    /// Our end of its socket.
    var socket: Int32 { ours.rawValue }

    /// Sends an ARP request for the gateway, as the guest will do; true if there is a reply.
    ///
    /// The reply is read completely, so that nothing of it is left in the stream.
    private func gatewayAnswers() -> Bool {
        let arpRequest = Passt.arpRequest
        guard (try? ours.write(arpRequest)) != nil else { return false }
        let deadline = hostClock() + Passt.timeout
        var answer: [UInt8] = []
        while answer.count < arpRequest.count {
            guard (try? waitForInput([ours.rawValue], until: deadline)) == [true],
                let piece = try? ours.read(arpRequest.count - answer.count), !piece.isEmpty
            else { return false }
            answer += piece
        }
        return true
    }

    /// An ARP request (RFC 826) with its length before it.
    private static var arpRequest: [UInt8] {
        let card = MachineConfiguration.cardAddress
        let (broadcast, unknown) = ([UInt8](repeating: 0xFF, count: 6), [UInt8](repeating: 0, count: 6))
        let (etherTypeARP, etherTypeIPv4): ([UInt8], [UInt8]) = ([0x08, 0x06], [0x08, 0x00])
        let (hardwareEthernet, addressLengths, request): ([UInt8], [UInt8], [UInt8]) = ([0, 1], [6, 4], [0, 1])
        let frame =
            broadcast + card + etherTypeARP + hardwareEthernet + etherTypeIPv4 + addressLengths + request + card
            + SlirpAddress.own + unknown + SlirpAddress.gateway
        return [0, 0, 0, UInt8(frame.count)] + frame
    }

    private func stderrTail() -> String {
        var transcript = Transcript()
        while (try? waitForInput([stderr.reading.rawValue], until: hostClock() + 1_000_000_000)) == [true],
            let piece = try? stderr.reading.read(4_096), !piece.isEmpty
        { transcript.append(piece) }
        return transcript.lastLine ?? "it does not respond"
    }
}
