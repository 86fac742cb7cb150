// Sockets between the guest and the host (virtio 1.2, 5.10), in Firecracker's convention. A host program connects to
// the UNIX socket PATH and sends `CONNECT port`: it reaches that port of the guest, and receives `OK port`. The guest's
// connections to port P of the host go to the UNIX socket PATH_P.

internal import Glibc
internal import Linux
internal import SystemPackage

/// Passes bytes between sockets of the guest and UNIX sockets of the host.
///
/// The faster side waits: by credit towards the guest, by not reading towards the host. Each connection keeps at most
/// 64 KiB, and there are at most ``connectionLimit`` of them.
final class VsockDevice: VirtioDevice {
    static let connectionLimit = 256
    private static let longestPayload = 64 << 10
    /// The limit of refusals that wait for a guest's buffer; at the limit the guest's packets wait too.
    private static let refusalLimit = 64
    /// VIRTIO_VSOCK_EVENT_TRANSPORT_RESET: all connections are gone (virtio 1.2, 5.10.6).
    private static let transportReset: UInt32 = 0
    /// The lowest CID that a guest may have.
    private static let firstGuestCID: UInt32 = 3
    private static let firstHostPort: UInt32 = 1 << 30

    /// Queue numbers (virtio 1.2, 5.10.2).
    private enum Queue {
        static let receive = 0
        static let transmit = 1
        static let event = 2
    }

    /// The state of the event that reports to a restored guest that its connections are gone.
    private enum ResetEvent: Equatable {
        case none
        case due
        /// It was sent; the guest has handled it once its event queue has passed this index.
        case sent(UInt16)
    }

    private let guestCID: UInt64
    /// `nil` if the guest can't reach the host's sockets.
    private let path: FilePath?
    private let hostListener: VsockListener
    private var context: VirtioContext?
    private var connections: [VsockKey: VsockConnection] = [:]
    /// The connections that have data for the guest, in the order in which they get a buffer.
    private var sendQueue = FIFOQueue<VsockConnection>()
    private var refusals = FIFOQueue<VsockKey>()
    private var nextHostPort = VsockDevice.firstHostPort
    private var resetEvent = ResetEvent.none
    private let scratch = ByteQueue(capacity: VsockDevice.longestPayload)

    /// Listens at `path`, which must be new, from now on; clients wait until the guest is ready.
    ///
    /// The socket's file stays when the device is gone: the thread that releases it last may have no access to files.
    init(guestCID: UInt32 = VsockDevice.firstGuestCID, path: FilePath) throws(MachineError) {
        guard guestCID >= VsockDevice.firstGuestCID, guestCID < .max else {
            throw .impossible("the guest CID \(guestCID) is reserved")
        }
        guard path.string.utf8.count + "_4294967295".utf8.count <= HostSocket.longestPath else {
            throw .impossible("the socket path \(path) is too long")
        }
        self.guestCID = UInt64(guestCID)
        self.path = path
        hostListener = VsockListener(try HostSocket.listen(at: path))
    }

    /// Takes over a listening socket; the guest can't reach the host's sockets.
    init(listener: consuming OwnedDescriptor) throws(MachineError) {
        guestCID = UInt64(VsockDevice.firstGuestCID)
        path = nil
        hostListener = VsockListener(HostSocket(listener))
    }

    var deviceID: UInt32 { VirtioDeviceID.socket }
    var features: UInt64 { 0 }
    var queueSizes: [UInt16] { [128, 128, 16] }

    var configuration: [UInt8] {
        var writer = StateWriter()
        writer.put(guestCID)
        return writer.bytes
    }

    func activate(_ context: VirtioContext) {
        self.context = context
        let owner = VsockListener.Delegate(
            hasRoom: { [weak self] in self?.hasRoom == true },
            connected: { [weak self] guestPort, socket throws(QueueFault) in try self?.hostConnected(guestPort, socket)
            })
        hostListener.open(context, owner)
    }

    /// Ends all connections; clients that connect meanwhile wait for the next driver.
    func reset() {
        for connection in connections.values { closeSocket(connection) }
        hostListener.close()
        (context, connections) = (nil, [:])
        (sendQueue, refusals, resetEvent) = (FIFOQueue(), FIFOQueue(), .none)
    }

    /// 1 if a driver is active, which must learn that connections don't outlive a snapshot.
    func save() -> [UInt8] { [context == nil ? 0 : 1] }

    func restore(_ state: [UInt8]) throws(MachineError) {
        guard state == [0] || state == [1] else { throw .brokenSnapshot("the vsock device's state is invalid") }
        resetEvent = state == [1] ? .due : .none
    }

    func process(queue: Int) throws(QueueFault) {
        guard let context else { return }
        switch queue {
        case Queue.transmit: try receivePackets(context)
        case Queue.event: try sendResetEvent(context)
        default: break
        }
        try sendPackets(context)
    }

    // MARK: The event queue

    private func sendResetEvent(_ context: VirtioContext) throws(QueueFault) {
        let queue = context.queues[Queue.event]
        switch resetEvent {
        case .none: queue.disableNotifications()
        case .sent(let index): if queue.enableNotifications(beyond: index) { resetEvent = .none }
        case .due:
            let index = queue.availableIndex
            guard var chain = try queue.nextOrEnableNotifications() else { return }
            guard unsafe withUnsafeBytes(of: VsockDevice.transportReset, { unsafe chain.writable.fill($0) }) else {
                throw .request("a vsock event buffer is shorter than an event")
            }
            queue.complete(chain.head, written: MemoryLayout<UInt32>.size)
            resetEvent = queue.enableNotifications(beyond: index) ? .none : .sent(index)
        }
    }

    // MARK: From the guest

    private func receivePackets(_ context: VirtioContext) throws(QueueFault) {
        let queue = context.queues[Queue.transmit]
        queue.disableNotifications()
        for _ in 0..<queue.size {
            if refusals.count >= VsockDevice.refusalLimit {
                try sendPackets(context)
                // The next pass starts when the guest has added buffers.
                if refusals.count >= VsockDevice.refusalLimit { return }
            }
            guard var chain = try queue.nextOrEnableNotifications() else { return }
            guard let header = VsockHeader(takingFrom: &chain.readable) else {
                throw .request("a vsock packet has a truncated header")
            }
            receive(header, &chain.readable)
            queue.complete(chain.head, written: 0)
        }
        context.again(Queue.transmit)
    }

    private func receive(_ header: VsockHeader, _ payload: inout Segments) {
        // A guest that sends a packet has handled the reset event, if there was one.
        if case .sent = resetEvent { resetEvent = .none }
        guard header.sourceCID == guestCID, header.destinationCID == VsockHeader.hostCID else { return }
        let key = VsockKey(hostPort: header.destinationPort, guestPort: header.sourcePort)
        let operation = VsockOperation(rawValue: header.operation)
        guard header.type == VsockHeader.stream, let operation, header.byteCount <= VsockDevice.longestPayload,
            header.byteCount <= payload.byteCount
        else { return operation == .rst ? () : refuse(key) }
        payload.limit(to: Int(header.byteCount))
        guard let connection = connections[key] else {
            switch operation {
            case .request: connect(key, header)
            case .rst: break
            default: refuse(key)
            }
            return
        }
        connection.updateCredit(header)
        receive(operation, closing: VsockShutdown(rawValue: header.flags), on: connection, &payload)
        update(connection)
    }

    private func receive(
        _ operation: VsockOperation, closing way: VsockShutdown, on connection: VsockConnection,
        _ payload: inout Segments
    ) {
        switch (operation, connection.state) {
        case (.rst, _): remove(connection)
        case (.response, .requested):
            connection.state = .established
            if !connection.sendLine("OK \(connection.key.hostPort)\n") { closeFromHost(connection) }
        case (.shutdown, .closing): refuse(connection.key)
        case (.shutdown, .established):
            connection.guestShutdown.formUnion(way.intersection(.both))
            connection.flush()
        case (.rw, .established) where !connection.guestShutdown.contains(.send):
            if !connection.accept(&payload) { refuse(connection.key) }
        case (.creditRequest, .established): connection.pending.insert(.creditUpdate)
        case (.creditUpdate, _), (.rw, .closing), (.creditRequest, .closing): break
        default: refuse(connection.key)
        }
    }

    /// Connects the guest to a port of the host.
    private func connect(_ key: VsockKey, _ header: VsockHeader) {
        guard let path, hasRoom, let socket = HostSocket.connect(to: FilePath("\(path)_\(key.hostPort)")) else {
            return refuse(key)
        }
        let connection = VsockConnection(key, state: .established, socket: socket)
        connection.updateCredit(header)
        connection.pending = .response
        add(connection)
    }

    /// Connects a client on the host to a port of the guest.
    private func hostConnected(_ guestPort: UInt32, _ socket: HostSocket) throws(QueueFault) {
        guard let context else { return }
        let connection = VsockConnection(freeKey(guestPort), state: .requested, socket: socket)
        connection.pending = .request
        add(connection)
        try sendPackets(context)
    }

    private func freeKey(_ guestPort: UInt32) -> VsockKey {
        while true {
            let key = VsockKey(hostPort: nextHostPort, guestPort: guestPort)
            nextHostPort = nextHostPort == .max ? VsockDevice.firstHostPort : nextHostPort + 1
            if connections[key] == nil { return key }
        }
    }

    /// Replies with a reset; a connection with these ports ends.
    private func refuse(_ key: VsockKey) {
        if let connection = connections[key] { remove(connection) }
        refusals.append(key)
    }

    // MARK: Connections

    private var hasRoom: Bool { connections.count + hostListener.count < VsockDevice.connectionLimit }

    private func add(_ connection: VsockConnection) {
        connections[connection.key] = connection
        guard let context, let socket = connection.socket else { return }
        do throws(MachineError) {
            try context.watch(socket.number, for: connection.interest) {
                [weak self, weak connection] what throws(QueueFault) in
                if let connection { try self?.handleEvent(what, to: connection) }
            }
            update(connection)
        } catch {
            refuse(connection.key)
        }
    }

    /// Updates the queue and the watched events after a connection has changed.
    private func update(_ connection: VsockConnection) {
        enqueue(connection)
        watch(connection)
    }

    private func enqueue(_ connection: VsockConnection) {
        guard connections[connection.key] === connection else { return }
        if connection.guestShutdown == .both, connection.isFlushed { return refuse(connection.key) }
        guard connection.hasWork, !connection.isQueued else { return }
        connection.isQueued = true
        sendQueue.append(connection)
    }

    private func watch(_ connection: VsockConnection) {
        if let socket = connection.socket { context?.change(socket.number, connection.interest) }
    }

    private func handleEvent(_ what: Interest, to connection: VsockConnection) throws(QueueFault) {
        guard let context else { return }
        if what.contains(.write) { connection.flush() }
        if connection.state == .requested {
            refuse(connection.key)
        } else if !what.isDisjoint(with: .hangup), connection.hasEnded || !connection.wantsData {
            closeFromHost(connection)
        } else if !what.isDisjoint(with: [.read, .hangup]), connection.interest.contains(.read) {
            connection.isReadable = true
        }
        enqueue(connection)
        try sendPackets(context)
        // After sending: most often everything was read, and nothing has to change.
        watch(connection)
    }

    /// Closes the host's side: the guest is notified and must reply.
    private func closeFromHost(_ connection: VsockConnection) {
        closeSocket(connection)
        connection.state = .closing
        connection.close(for: .both)
    }

    private func closeSocket(_ connection: VsockConnection) {
        if let socket = connection.socket { context?.unwatch(socket.number) }
        connection.closeSocket()
    }

    private func remove(_ connection: VsockConnection) {
        closeSocket(connection)
        connections[connection.key] = nil
        hostListener.roomChanged()
    }

    // MARK: To the guest

    private func sendPackets(_ context: VirtioContext) throws(QueueFault) {
        guard resetEvent == .none else { return }
        let queue = context.queues[Queue.receive]
        queue.disableNotifications()
        let wereTooMany = refusals.count >= VsockDevice.refusalLimit
        var left = queue.size
        while left > 0, !refusals.isEmpty || !sendQueue.isEmpty {
            guard var chain = try queue.nextOrEnableNotifications() else { break }
            guard chain.writable.byteCount > VsockHeader.byteCount else {
                throw .request("a vsock receive buffer has no room for data")
            }
            let written = fill(&chain.writable)
            if written > 0 { queue.complete(chain.head, written: written) } else { queue.putBack() }
            left -= 1
        }
        if left == 0 { context.again(Queue.receive) }
        if wereTooMany, refusals.count < VsockDevice.refusalLimit { context.again(Queue.transmit) }
        for connection in sendQueue { update(connection) }
    }

    /// Fills a buffer with the next packet; returns zero if there is none after all.
    private func fill(_ segments: inout Segments) -> Int {
        if let key = refusals.removeFirst() {
            VsockHeader(.rst, to: guestCID, key).write(to: &segments)
            return VsockHeader.byteCount
        }
        guard let connection = sendQueue.removeFirst() else { return 0 }
        connection.isQueued = false
        guard connections[connection.key] === connection else { return 0 }
        let written = fill(&segments, from: connection)
        update(connection)
        return written
    }

    private func fill(_ segments: inout Segments, from connection: VsockConnection) -> Int {
        if let written = fillPending(&segments, from: connection) { return written }
        guard connection.hasWork else { return 0 }
        if connection.credit > 0 {
            if let written = fillData(&segments, from: connection) { return written }
            if connection.hasEnded { connection.close(for: connection.refusesData ? .both : .send) }
        } else {
            connection.requestCredit()
        }
        return fillPending(&segments, from: connection) ?? 0
    }

    private func fillPending(_ segments: inout Segments, from connection: VsockConnection) -> Int? {
        guard let (operation, flags) = connection.takePending() else { return nil }
        var header = VsockHeader(operation, to: guestCID, connection.key)
        header.flags = flags.rawValue
        connection.addCredit(&header)
        header.write(to: &segments)
        return VsockHeader.byteCount
    }

    private func fillData(_ segments: inout Segments, from connection: VsockConnection) -> Int? {
        let room = min(segments.byteCount - VsockHeader.byteCount, scratch.capacity)
        var outcome = IOResult.wouldBlock
        unsafe scratch.extend { buffer in
            outcome = unsafe connection.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(room)))
            guard case .bytes(let count) = outcome else { return 0 }
            return count
        }
        guard case .bytes(let count) = outcome else { return nil }
        var header = VsockHeader(.rw, to: guestCID, connection.key)
        header.byteCount = UInt32(count)
        connection.addCredit(&header)
        header.write(to: &segments)
        _ = unsafe segments.fill(scratch.bytes)
        scratch.drop(count)
        return VsockHeader.byteCount + count
    }
}
