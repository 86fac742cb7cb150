internal import Glibc
internal import SystemPackage

/// The entry for the host's programs: a listening socket, and clients that have not sent their port yet.
final class VsockListener {
    /// The device that accepts the connections.
    struct Delegate {
        /// True if there is room for one more.
        let hasRoom: () -> Bool
        /// Receives a guest port and the client that requested it.
        let connected: (UInt32, HostSocket) throws(QueueFault) -> Void
    }

    private let listener: HostSocket
    private var handshakes: [Int32: VsockHandshake] = [:]
    private var isListening = false
    private var context: VirtioContext?
    private var delegate: Delegate?

    /// Takes over a listening socket; clients wait until ``open(_:_:)``.
    ///
    /// The socket's file stays when this is gone: the thread that releases it last may have no access to files.
    init(_ listener: HostSocket) { self.listener = listener }

    /// The number of clients that have not sent their port yet.
    var count: Int { handshakes.count }

    func open(_ context: VirtioContext, _ delegate: Delegate) {
        (self.context, self.delegate) = (context, delegate)
        roomChanged()
    }

    /// Drops all clients in the handshake, and accepts no others.
    func close() {
        for handshake in handshakes.values { context?.unwatch(handshake.socket.number) }
        if isListening { context?.unwatch(listener.number) }
        (context, delegate, isListening, handshakes) = (nil, nil, false, [:])
    }

    /// Accepts no client while there is no room: they wait in the kernel.
    func roomChanged() {
        guard let context, let delegate, delegate.hasRoom() != isListening else { return }
        if isListening {
            context.unwatch(listener.number)
            isListening = false
        } else {
            isListening = watch(listener, in: context) { vsockListener, _ throws(QueueFault) in vsockListener.accept() }
        }
    }

    private func watch(
        _ socket: HostSocket, in context: VirtioContext,
        _ handler: @escaping (VsockListener, Int32) throws(QueueFault) -> Void
    ) -> Bool {
        let number = socket.number
        do throws(MachineError) {
            try context.watch(number, for: .read) { [weak self] _ throws(QueueFault) in
                if let self { try handler(self, number) }
            }
            return true
        } catch {
            return false
        }
    }

    private func accept() {
        while let context, let delegate, delegate.hasRoom(), let socket = listener.accept() {
            if watch(
                socket, in: context,
                { vsockListener, number throws(QueueFault) in try vsockListener.continueHandshake(to: number) })
            {
                handshakes[socket.number] = VsockHandshake(socket)
            }
        }
        roomChanged()
    }

    private func continueHandshake(to number: Int32) throws(QueueFault) {
        guard let handshake = handshakes[number] else { return }
        let outcome = handshake.read()
        guard outcome != .later else { return }
        context?.unwatch(number)
        handshakes[number] = nil
        if case .port(let guestPort) = outcome { try delegate?.connected(guestPort, handshake.socket) }
        roomChanged()
    }
}
