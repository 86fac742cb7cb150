internal import Glibc
internal import SystemPackage

/// Where the host's programs come in: a socket that listens, and those who have not said yet where they want to go.
final class VsockDoor {
    /// Who lets them in.
    struct Owner {
        /// Whether there may be one more.
        let hasRoom: () -> Bool
        /// One has said to which port of the guest.
        let arrived: (UInt32, HostSocket) throws(QueueFault) -> Void
    }

    private let listener: HostSocket
    private var handshakes: [Int32: VsockHandshake] = [:]
    private var isListening = false
    private var port: VirtioPort?
    private var owner: Owner?

    /// Who connects from now on waits until ``open(_:_:)``.
    ///
    /// The name stays when the door is gone: the last to let go of it may be a thread that may touch no files.
    init(_ listener: HostSocket) { self.listener = listener }

    /// How many have not said yet where they want to go.
    var count: Int { handshakes.count }

    func open(_ port: VirtioPort, _ owner: Owner) {
        (self.port, self.owner) = (port, owner)
        roomChanged()
    }

    /// Sends away whoever stands in it, and opens to nobody.
    func close() {
        for handshake in handshakes.values { port?.unwatch(handshake.socket.number) }
        if isListening { port?.unwatch(listener.number) }
        (port, owner, isListening, handshakes) = (nil, nil, false, [:])
    }

    /// Lets nobody in while there is no room: they wait in the kernel.
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
