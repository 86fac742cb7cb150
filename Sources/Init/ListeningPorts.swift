/// Returns the ports with a listener, from a table such as `/proc/net/tcp`.
///
/// ```
///   sl  local_address rem_address   st tx_queue rx_queue ...
///    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 ...
/// ```
func listeningPorts(_ table: [UInt8]) -> [UInt16] { eachOnce(listeners(table).map { $0.port }) }

/// Returns the listeners of such a table, each address and port once.
func listeners(_ table: [UInt8]) -> [Message.Listener] {
    var listeners: [Message.Listener] = []
    for line in table.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count > 3, Array(words[3]) == [UInt8(ascii: "0"), UInt8(ascii: "A")],
            let colon = words[1].lastIndex(of: UInt8(ascii: ":")),
            let port = hexadecimal(Array(words[1][(colon + 1)...])), port > 0, port <= 65_535
        else { continue }
        let listener = Message.Listener(port: UInt16(port), isLoopback: isLoopback(Array(words[1][..<colon])))
        if !listeners.contains(listener) { listeners.append(listener) }
    }
    return listeners
}

/// True for 127.0.0.0/8, also mapped into IPv6, and for ::1; each word of an address is little-endian.
private func isLoopback(_ address: [UInt8]) -> Bool {
    let last: UInt64? = address.count >= 8 ? hexadecimal(Array(address.suffix(8))) : nil
    guard let last else { return false }
    if address.count == 8 { return last & 0xFF == 127 }
    guard address.count == 32 else { return false }
    let words = (0..<3).map { hexadecimal(Array(address[($0 * 8)..<($0 * 8 + 8)])) ?? 1 }
    guard words[0] == 0, words[1] == 0 else { return false }
    return words[2] == 0 ? last == 0x0100_0000 : words[2] == 0xFFFF_0000 && last & 0xFF == 127
}

/// Returns the ports to report: each once, sorted, and no more than a frame holds.
func listening(_ ports: [UInt16]) -> [UInt16] { Array(eachOnce(ports).prefix(ProbeEvent.portLimit)) }

private func eachOnce(_ ports: [UInt16]) -> [UInt16] {
    var once: [UInt16] = []
    for port in ports.sorted() where once.last != port { once.append(port) }
    return once
}
