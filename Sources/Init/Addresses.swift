/// Formats an IPv4 address in dotted decimal notation.
func dotted(_ address: UInt32) -> [UInt8] {
    var text: [UInt8] = []
    for shift in [UInt32(24), 16, 8, 0] {
        if !text.isEmpty { text.append(UInt8(ascii: ".")) }
        text += decimal(UInt64(address >> shift & 0xFF))
    }
    return text
}

/// The three files of /etc that Docker writes for every container.
struct NetworkFiles {
    let hostname: [UInt8]
    /// The machine's own address; `nil` without a network.
    let address: UInt32?
    let nameserver: UInt32?

    /// The content of `/etc/hostname`.
    var name: [UInt8] { hostname + [newline] }

    /// The content of `/etc/hosts`: the hostname has the machine's address, or the loopback address without a network.
    var hosts: [UInt8] {
        let loopback = address == nil ? bytes("127.0.0.1\tlocalhost ") + hostname : bytes("127.0.0.1\tlocalhost")
        var text = loopback + [newline] + bytes("::1\tlocalhost ip6-localhost ip6-loopback\n")
        if let address { text += dotted(address) + bytes("\t") + hostname + [newline] }
        return text
    }

    /// The content of `/etc/resolv.conf`.
    var resolver: [UInt8] {
        guard let nameserver else { return bytes("# This machine has no network but its own.\n") }
        return bytes("nameserver ") + dotted(nameserver) + [newline]
    }

    private var newline: UInt8 { UInt8(ascii: "\n") }
}
