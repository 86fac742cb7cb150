import CInit

/// Forwards connections of the host to ports of the loopback address.
///
/// It listens on the same ports of the machine's vsock, in the loop of its owner. Each connection keeps at most two
/// pieces. There are at most ``connectionLimit`` connections; further clients wait.
struct PortProxy {
    static let connectionLimit = 64

    private let ports: [UInt16]
    private let listeners: [Int32]
    /// True if the service listens on IPv6.
    private let usesVersion6: Bool
    private var connections: [ProxiedConnection] = []

    init(_ ports: [UInt16], version6: Bool) throws(Message.StartFailure) {
        var listeners: [Int32] = []
        for port in ports {
            let listener = cinit_listen_to_host(UInt32(port))
            guard listener >= 0 else {
                for listener in listeners { cinit_close(listener) }
                throw Message.StartFailure(stage: .proxy, errno: UInt32(-listener), subject: decimal(UInt64(port)))
            }
            listeners.append(listener)
        }
        self.ports = ports
        self.listeners = listeners
        usesVersion6 = version6
    }

    /// The watches for `poll`: the listeners', and two for each connection.
    var watches: [cinit_watch] {
        let hasRoom = connections.count < PortProxy.connectionLimit
        var watches = listeners.map { listener in
            cinit_watch(descriptor: hasRoom ? listener : -1, wanted: Int16(cinit_readable), ready: 0)
        }
        for connection in connections { watches += connection.watches }
        return watches
    }

    /// Does all work that is possible now; `watches` are the previous ones, with their results.
    mutating func advance(_ watches: ArraySlice<cinit_watch>) {
        var next = watches.startIndex + listeners.count
        for index in connections.indices {
            connections[index].advance(watches[next..<(next + 2)])
            next += 2
        }
        for connection in connections where connection.isOver { connection.close() }
        connections.removeAll { $0.isOver }
        for (index, listener) in listeners.enumerated() where watches[watches.startIndex + index].ready != 0 {
            accept(from: listener, ports[index])
        }
    }

    private mutating func accept(from listener: Int32, _ port: UInt16) {
        while connections.count < PortProxy.connectionLimit {
            let host = cinit_accept(listener)
            guard host >= 0 else { return }
            if let connection = ProxiedConnection(host, to: port, version6: usesVersion6) {
                connections.append(connection)
            }
        }
    }
}
