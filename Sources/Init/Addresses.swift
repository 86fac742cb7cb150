/// Formats an IPv4 address in dotted decimal notation.
func dotted(_ address: UInt32) -> [UInt8] {
    var text: [UInt8] = []
    for shift in [UInt32(24), 16, 8, 0] {
        if !text.isEmpty { text.append(UInt8(ascii: ".")) }
        text += decimal(UInt16(address >> shift & 0xFF))
    }
    return text
}

/// Formats a number in decimal digits.
func decimal(_ number: UInt16) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = number
    repeat {
        digits.insert(UInt8(ascii: "0") + UInt8(rest % 10), at: 0)
        rest /= 10
    } while rest > 0
    return digits
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
        let loopback = address == nil ? ascii("127.0.0.1\tlocalhost ") + hostname : ascii("127.0.0.1\tlocalhost")
        var text = loopback + [newline] + ascii("::1\tlocalhost ip6-localhost ip6-loopback\n")
        if let address { text += dotted(address) + ascii("\t") + hostname + [newline] }
        return text
    }

    /// The content of `/etc/resolv.conf`.
    var resolver: [UInt8] {
        guard let nameserver else { return ascii("# This machine has no network but its own.\n") }
        return ascii("nameserver ") + dotted(nameserver) + [newline]
    }

    private var newline: UInt8 { UInt8(ascii: "\n") }
}

private func ascii(_ text: StaticString) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}
