internal import Glibc
internal import SystemPackage

/// The entry for the host's programs: a listening socket, and clients that have not sent their port yet.
final class VsockDoor {
    /// The device that accepts the connections.
    struct Owner {
        /// True if there is room for one more.
        let hasRoom: () -> Bool
        /// Receives a guest port and the client that requested it.
        let arrived: (UInt32, HostSocket) throws(QueueFault) -> Void
    }

    private let listener: HostSocket
    private var handshakes: [Int32: VsockHandshake] = [:]
    private var isListening = false
    private var port: VirtioPort?
    private var owner: Owner?

    /// Takes over a listening socket; clients wait until ``open(_:_:)``.
    ///
    /// The socket's file stays when this is gone: the thread that releases it last may have no access to files.
    init(_ listener: HostSocket) { self.listener = listener }

    /// The number of clients that have not sent their port yet.
    var count: Int { handshakes.count }

    func open(_ port: VirtioPort, _ owner: Owner) {
        (self.port, self.owner) = (port, owner)
        roomChanged()
    }

    /// Drops all clients in the handshake, and accepts no others.
    func close() {
        for handshake in handshakes.values { port?.unwatch(handshake.socket.number) }
        if isListening { port?.unwatch(listener.number) }
        (port, owner, isListening, handshakes) = (nil, nil, false, [:])
    }

    /// Accepts no client while there is no room: they wait in the kernel.
    func roomChanged() {
        guard let port, let owner, owner.hasRoom() != isListening else { return }
        if isListening {
            port.unwatch(listener.number)
            isListening = false
        } else {
            isListening = watch(listener, port) { door, _ throws(QueueFault) in door.accept() }
        }
    }

    private func watch(
        _ socket: HostSocket, _ port: VirtioPort,
        _ handler: @escaping (VsockDoor, Int32) throws(QueueFault) -> Void
    ) -> Bool {
        let number = socket.number
        do throws(MachineError) {
            try port.watch(number, .read) { [weak self] _ throws(QueueFault) in
                if let self { try handler(self, number) }
            }
            return true
        } catch {
            return false
        }
    }

    private func accept() {
        while let port, let owner, owner.hasRoom(), let socket = listener.accept() {
            if watch(socket, port, { door, number throws(QueueFault) in try door.listen(to: number) }) {
                handshakes[socket.number] = VsockHandshake(socket)
            }
        }
        roomChanged()
    }

    private func listen(to number: Int32) throws(QueueFault) {
        guard let handshake = handshakes[number] else { return }
        let outcome = handshake.read()
        guard outcome != .later else { return }
        port?.unwatch(number)
        handshakes[number] = nil
        if case .port(let guestPort) = outcome { try owner?.arrived(guestPort, handshake.socket) }
        roomChanged()
    }
}
