import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

@Suite struct VirtioSnapshotTests {
    /// Saves a paused device, and restores it over the same memory.
    private func moved(_ driver: VirtioDriver, to device: any VirtioDevice) throws -> VirtioTransport {
        driver.transport.pause()
        let transport = try VirtioTransport(device: device, memory: driver.memory, loop: driver.loop)
        try transport.restore(driver.transport.save())
        return transport
    }

    private func ring(_ transport: VirtioTransport, _ queue: UInt32) {
        unsafe withUnsafeBytes(of: queue) { unsafe transport.write(offset: 0x50, $0) }
    }

    @Test(
        "A restored disk continues with all requests, also those of a pending notification", arguments: [0, UInt64.max])
    func middleOfRequests(features: UInt64) throws {
        let fixture = try DiskFixture(features: features)
        let driver = fixture.driver
        var requests: [DiskFixture.Request] = []
        for sector in 0..<8 {
            requests.append(try fixture.request(0, UInt64(sector), in: 512))
            try driver.add(0, requests[sector].buffers)
            if sector == 3 { driver.run(0) }
        }
        // The guest has notified the queue, but the device has not handled it yet.
        driver.kick(0)
        driver.transport.pause()
        let disk = try BlockDevice(
            OwnedDescriptor(owning: dup(fixture.file)), byteCount: UInt64(DiskFixture.content.count), isReadOnly: true,
            name: "root")
        let transport = try moved(driver, to: disk)
        driver.settle()
        #expect(try driver.answers(0).count == 4)
        transport.resume()
        driver.settle()
        #expect(try driver.answers(0).count == 4)
        for (sector, request) in requests.enumerated() {
            #expect(try fixture.data(request) == Array(DiskFixture.content[sector * 512..<sector * 512 + 512]))
        }
        let last = try fixture.request(0, 20, in: 512)
        try driver.add(0, last.buffers)
        ring(transport, 0)
        driver.settle()
        #expect(try fixture.data(last) == Array(DiskFixture.content[10_240..<10_752]))
        #expect(disk.diskReads.reads == 5)
    }

    @Test("A pending interrupt is raised again")
    func pendingInterrupt() throws {
        let fixture = try DiskFixture()
        try fixture.driver.add(0, fixture.request(8, 0, in: 20).buffers)
        fixture.driver.run(0)
        let transport = try moved(fixture.driver, to: fixture.disk)
        var count: UInt64 = 0
        #expect(unsafe read(transport.interrupt, &count, 8) == -1)
        transport.resume()
        #expect(unsafe read(transport.interrupt, &count, 8) == 8)
    }

    @Test("A device whose driver was not ready yet, or failed, is restored in that state")
    func otherStates() throws {
        for last in [0, 1, 3, 11] as [UInt32] {
            let driver = try VirtioDriver(EntropyDevice())
            if last == 11 {
                driver.negotiate()
            } else {
                for value: UInt32 in [1, 3] where value <= last { driver.write(0x70, value) }
            }
            let state = driver.transport.save()
            let other = try VirtioDriver(EntropyDevice(), memory: driver.memory)
            try other.transport.restore(state)
            #expect(other.status == last)
            #expect(other.transport.save() == state)
        }
        let driver = try VirtioDriver(EntropyDevice())
        driver.start()
        try driver.add(0, [driver.readable([1])])
        driver.run(0)
        let other = try VirtioDriver(EntropyDevice(), memory: driver.memory)
        try other.transport.restore(driver.transport.save())
        #expect(other.needsReset)
        other.transport.resume()
        other.start()
        try other.add(0, [other.writable(100)])
        other.run(0)
        #expect(try other.answers(0).map(\.written) == [100])
    }

    @Test("Restored sockets send a transport reset event, and wait until the guest has handled it")
    func sockets() throws {
        let guest = try VsockGuest()
        let driver = guest.driver
        let (peer, _) = try guest.connected()
        let events = (0..<4).map { _ in driver.writable(4) }
        for event in events { try driver.add(2, [event]) }
        driver.run(2)
        driver.transport.pause()
        driver.transport.resume()
        driver.settle()
        #expect(try driver.answers(2).isEmpty, "a pause is no reset")
        let other = try VsockDevice(path: guest.directory.path.appending("w"))
        let transport = try moved(driver, to: other)
        let late = try VsockGuest.Peer(UnixSocket.connect(to: guest.directory.path.appending("w")))
        late.put("CONNECT 5\n")
        try driver.memory.write([0xFF, 0xFF, 0xFF, 0xFF], at: events[0].address)
        transport.resume()
        #expect(try guest.receive().isEmpty)
        #expect(try driver.answers(2).map(\.written) == [4])
        #expect(try driver.memory.load(UInt32.self, at: events[0].address) == 0)
        let before = driver.added[2]
        try driver.add(2, [events[0]])
        #expect(try driver.wantsKick(2, since: before))
        ring(transport, 2)
        #expect(try guest.receive().map(\.operation) == [.request])
        #expect(try driver.answers(2).isEmpty)
        withExtendedLifetime(peer) {}
    }

    @Test("The entropy device has no state, and a network card's state is its address")
    func others() throws {
        let driver = try VirtioDriver(EntropyDevice())
        driver.start()
        try driver.add(0, [driver.writable(5000)])
        driver.run(0)
        #expect(try driver.answers(0).map(\.written) == [4096])
        try driver.add(0, [driver.writable(64)])
        let transport = try moved(driver, to: EntropyDevice())
        transport.resume()
        driver.settle()
        #expect(try driver.answers(0).map(\.written) == [64])
        for (last, isSame) in [(1, true), (2, false)] as [(UInt8, Bool)] {
            let card = try VirtioDriver(NetworkDevice(socket: pair(), mac: [2, 0, 0, 0, 0, 1]))
            let other = try VirtioDriver(NetworkDevice(socket: pair(), mac: [2, 0, 0, 0, 0, last]))
            if isSame {
                try other.transport.restore(card.transport.save())
            } else {
                #expect(throws: MachineError.self) { try other.transport.restore(card.transport.save()) }
            }
        }
    }

    private func pair() throws -> OwnedDescriptor {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        close(ends[1])
        return OwnedDescriptor(owning: ends[0])
    }

    @Test("A truncated or changed state is refused or harmless, and the device works after a reset")
    func bent() throws {
        let fixture = try DiskFixture()
        let driver = fixture.driver
        for _ in 0..<5 { try driver.add(0, fixture.request(0, 0, in: 512).buffers) }
        driver.transport.pause()
        let state = driver.transport.save()
        for count in 0..<state.count {
            #expect(throws: MachineError.self) { try driver.transport.restore(Array(state[..<count])) }
        }
        #expect(throws: MachineError.self) { try driver.transport.restore(state + [0]) }
        var refused = 0
        for (place, bit) in (0..<state.count).flatMap({ place in (0..<8).map { (place, $0) } }) {
            var bytes = state
            bytes[place] ^= 1 << bit
            do throws(MachineError) {
                try driver.transport.restore(bytes)
                driver.transport.resume()
                driver.settle()
            } catch {
                refused += 1
                #expect(error.description.hasPrefix("the snapshot cannot be restored"))
                #expect(driver.status == 0)
            }
        }
        #expect(refused > state.count)
        driver.transport.resume()
        driver.start()
        let request = try fixture.request(0, 1, in: 512)
        try driver.add(0, request.buffers)
        driver.run(0)
        #expect(try fixture.status(request) == 0)
    }

    @Test("Numbers and strings of a state are read as they were written, and no read passes the end")
    func stateBytes() throws {
        var writer = StateWriter()
        writer.put(UInt16(0x0102))
        writer.put([7, 8, 9] as [UInt8])
        writer.put(Int64(-2))
        #expect(writer.bytes == [2, 1, 3, 0, 0, 0, 7, 8, 9, 0xFE, 255, 255, 255, 255, 255, 255, 255])
        var reader = StateReader(writer.bytes)
        #expect(try reader.number(UInt16.self) == 0x0102)
        #expect(try reader.string(limit: 3) == [7, 8, 9])
        #expect(throws: MachineError.self) { try reader.end() }
        #expect(try reader.number(Int64.self) == -2)
        try reader.end()
        #expect(throws: MachineError.self) { _ = try reader.number(UInt8.self) }
        var short = StateReader([4, 0, 0, 0, 1, 2, 3])
        #expect(throws: MachineError.self) { _ = try short.string(limit: 3) }
        var long = StateReader([4, 0, 0, 0, 1, 2, 3])
        #expect(throws: MachineError.self) { _ = try long.string(limit: .max) }
    }
}
