/// Returns the ports with a listener, from a table such as `/proc/net/tcp`.
///
/// ```
///   sl  local_address rem_address   st tx_queue rx_queue ...
///    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 ...
/// ```
func listeningPorts(_ table: [UInt8]) -> [UInt16] {
    var ports: [UInt16] = []
    for line in table.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count > 3, Array(words[3]) == [UInt8(ascii: "0"), UInt8(ascii: "A")],
            let colon = words[1].lastIndex(of: UInt8(ascii: ":")),
            let port = hexadecimal(Array(words[1][(colon + 1)...])), port > 0, port <= 65_535
        else { continue }
        ports.append(UInt16(port))
    }
    return eachOnce(ports)
}

/// Returns the ports to report: each once, sorted, and no more than a frame holds.
func listening(_ ports: [UInt16]) -> [UInt16] { Array(eachOnce(ports).prefix(ProbeEvent.portLimit)) }

private func eachOnce(_ ports: [UInt16]) -> [UInt16] {
    var once: [UInt16] = []
    for port in ports.sorted() where once.last != port { once.append(port) }
    return once
}
