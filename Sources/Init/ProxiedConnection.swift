import CInit

/// A connection from the host that is forwarded to a port of the loopback address; it never blocks.
struct ProxiedConnection {
    private let host: Int32
    private var port: Int32
    private let number: UInt16
    private var isConnecting = true
    private var triesVersion6: Bool
    private var flows = Flows()

    /// Starts to connect to a port for an accepted socket; `nil` if that is refused at once.
    init?(_ host: Int32, to number: UInt16, version6: Bool) {
        let (port, isSecond) = ProxiedConnection.connect(to: number, version6: version6)
        guard port >= 0 else {
            cinit_close(host)
            return nil
        }
        self.host = host
        self.port = port
        self.number = number
        triesVersion6 = isSecond == version6
    }

    /// Tries both loopback addresses, because a service may listen on only one of them.
    private static func connect(to port: UInt16, version6: Bool) -> (Int32, isSecond: Bool) {
        let first = cinit_connect(port, version6 ? 1 : 0)
        return first >= 0 ? (first, false) : (cinit_connect(port, version6 ? 0 : 1), true)
    }

    var isOver: Bool { flows.isOver }

    /// The watches for its two sockets: always two.
    var watches: [cinit_watch] {
        if isConnecting {
            return [
                cinit_watch(descriptor: -1, wanted: 0, ready: 0),
                cinit_watch(descriptor: port, wanted: Int16(cinit_writable), ready: 0),
            ]
        }
        return [watch(.host, host), watch(.port, port)]
    }

    private func watch(_ end: Flows.End, _ descriptor: Int32) -> cinit_watch {
        let interest = flows.interest(in: end)
        let wanted = (interest.reading ? cinit_readable : 0) | (interest.writing ? cinit_writable : 0)
        let isWatched = wanted != 0 || interest.leaving
        return cinit_watch(descriptor: isWatched ? descriptor : -1, wanted: Int16(wanted), ready: 0)
    }

    /// Does all work that is possible now; `watches` are the previous ones, with their results.
    mutating func advance(_ watches: ArraySlice<cinit_watch>) {
        for watch in watches where watch.ready != 0 {
            if isConnecting {
                completeConnection()
            } else if watch.wanted == 0 {
                abandon()
            }
        }
        guard !isConnecting, !isOver else { return }
        ProxiedConnection.pass(&flows.up, from: host, to: port)
        ProxiedConnection.pass(&flows.down, from: port, to: host)
    }

    private mutating func completeConnection() {
        if cinit_connection_error(port) == 0 {
            isConnecting = false
            return
        }
        cinit_close(port)
        port = triesVersion6 ? cinit_connect(number, 1) : -1
        triesVersion6 = false
        if port < 0 { abandon() }
    }

    private mutating func abandon() {
        flows.up.abandon()
        flows.down.abandon()
        isConnecting = false
    }

    /// Reads at most one piece, and forwards all pending bytes.
    private static func pass(_ flow: inout Flow, from source: Int32, to target: Int32) {
        if flow.wantsMore, let piece = receive(from: source) { flow.receive(piece) }
        if flow.hasPending {
            let sent = flow.pending.withUnsafeBytes { cinit_send(target, $0.baseAddress, UInt($0.count)) }
            if sent >= 0 {
                flow.drop(sent)
            } else if cinit_is_pending(Int32(sent)) == 0 {
                flow.abandon()
            }
        }
        if flow.takeEnd() { cinit_end(target) }
    }

    /// Reads the available bytes: empty at the end or after an error, `nil` if there are none yet.
    private static func receive(from source: Int32) -> [UInt8]? {
        var count = 0
        let piece = [UInt8](unsafeUninitializedCapacity: Flow.pieceLength) { buffer, initialized in
            count = Int(cinit_read(source, buffer.baseAddress, UInt(Flow.pieceLength)))
            initialized = max(0, count)
        }
        return count < 0 && cinit_is_pending(Int32(count)) != 0 ? nil : piece
    }

    func close() {
        cinit_close(host)
        if port >= 0 { cinit_close(port) }
    }
}
