import Testing

@Suite("Proxied connections")
struct FlowTests {
    @Test("A flow passes bytes on in order, in any portions that the target takes")
    func order() {
        var flow = Flow()
        var taken: [UInt8] = []
        for piece in [[1, 2, 3], [4], [5, 6, 7, 8, 9]] as [[UInt8]] {
            #expect(flow.wantsMore)
            flow.receive(piece)
            while flow.hasPending {
                #expect(!flow.wantsMore)
                let count = min(2, flow.pending.count)
                taken += flow.pending.prefix(count)
                flow.drop(count)
            }
        }
        #expect(taken == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    }

    @Test("A full flow takes no more, and keeps its bytes")
    func bounded() {
        var flow = Flow()
        flow.receive([1, 2])
        flow.receive([3])
        #expect(flow.pending == [1, 2])
        flow.drop(-1)
        #expect(flow.pending == [1, 2])
        flow.drop(7)
        #expect(flow.wantsMore)
    }

    @Test("The target is notified of the end once, after all bytes")
    func end() {
        var flow = Flow()
        flow.receive([1])
        let early = flow.takeEnd()
        flow.drop(1)
        flow.receive([])
        #expect(flow.hasEnded && !flow.isOver)
        let (first, second) = (flow.takeEnd(), flow.takeEnd())
        #expect([early, first, second] == [false, true, false])
        #expect(flow.isOver && !flow.wantsMore)
    }

    @Test("A closed target ends its flow, and drops its bytes")
    func abandoned() {
        var flow = Flow()
        flow.receive([1, 2, 3])
        flow.abandon()
        let end = flow.takeEnd()
        #expect(flow.isOver && !flow.hasPending && !flow.wantsMore && !end)
    }

    @Test("A half-closed connection still carries the response, and ends with both directions")
    func halfClose() {
        var flows = Flows()
        flows.up.receive([1])
        #expect(flows.interest(in: .host) == (false, false, false))
        #expect(flows.interest(in: .port) == (true, true, false))
        flows.up.drop(1)
        flows.up.receive([])
        let isTold = flows.up.takeEnd()
        #expect(isTold)
        // The host waits for the response: its end can only hang up.
        #expect(flows.interest(in: .host) == (false, false, true))
        #expect(flows.interest(in: .port) == (true, false, false))
        flows.down.receive([9, 9])
        #expect(flows.interest(in: .host) == (false, true, false))
        flows.down.drop(2)
        flows.down.receive([])
        #expect(!flows.isOver)
        let isTheHostTold = flows.down.takeEnd()
        #expect(isTheHostTold && flows.isOver)
    }
}

@Suite("Network files")
struct NetworkFilesTests {
    private static let name = Array("box".utf8)

    @Test(
        "Addresses are formatted in dotted decimal notation",
        arguments: [(0, "0.0.0.0"), (0x0A00_020F, "10.0.2.15"), (.max, "255.255.255.255")] as [(UInt32, String)])
    func dottedAddress(address: UInt32, text: String) {
        #expect(String(decoding: dotted(address), as: UTF8.self) == text)
    }

    @Test("Without a network the hostname has the loopback address, and there is no DNS server")
    func alone() {
        let files = NetworkFiles(hostname: NetworkFilesTests.name, address: nil, nameserver: nil)
        #expect(files.name == Array("box\n".utf8))
        #expect(String(decoding: files.hosts, as: UTF8.self).hasPrefix("127.0.0.1\tlocalhost box\n::1\tlocalhost "))
        #expect(!String(decoding: files.resolver, as: UTF8.self).contains("nameserver"))
    }

    @Test("With a network the hostname has the machine's address, as in Docker")
    func connected() {
        let files = NetworkFiles(hostname: NetworkFilesTests.name, address: 0x0A00_020F, nameserver: 0x0A00_0203)
        let hosts = String(decoding: files.hosts, as: UTF8.self)
        #expect(hosts.hasPrefix("127.0.0.1\tlocalhost\n"))
        #expect(hosts.hasSuffix("\n10.0.2.15\tbox\n"))
        #expect(files.resolver == Array("nameserver 10.0.2.3\n".utf8))
    }
}
