import Testing

@Suite("Probes of a boot spec")
struct ProbeEventTests {
    @Test("Each path is new once, until the set is full")
    func paths() {
        var paths = PathSet()
        func path(_ number: Int) -> [UInt8] { Array("/usr/lib/\(number)".utf8) }
        for number in 0..<PathSet.limit { #expect(paths.insert(path(number)) == .new) }
        #expect(paths.insert(path(7)) == .known)
        #expect(paths.insert(path(PathSet.limit)) == .full)
        #expect(paths.count == PathSet.limit)
    }

    static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
           1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
           2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 3 1
           3: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4 1
           4: 00000000:FFFFF 00000000:0000 0A
           5: 00000000 00000000:0000 0A
           6: 0A
        """

    @Test("The ports of a table are those with a listener, each once")
    func ports() {
        #expect(listeningPorts(Array(Self.table.utf8)) == [22, 80, 8080])
        #expect(listeningPorts([]) == [])
    }

    @Test("A listener is on the loopback address or on another one, in both versions")
    func loopback() {
        #expect(
            listeners(Array(Self.table.utf8)) == [
                .init(port: 8080, isLoopback: true), .init(port: 80, isLoopback: false),
                .init(port: 22, isLoopback: true),
            ])
        let addresses: [(String, Bool)] = [
            ("0100007F", true), ("0A00007F", true), ("0100000A", false), ("00000000", false),
            ("0000000000000000FFFF00000100007F", true), ("0000000000000000FFFF00000100000A", false),
            ("00000000000000000000000000000000", false), ("000080FE000000000000000001000000", false), ("7F", false),
        ]
        for (address, isLoopback) in addresses {
            let line = "0: \(address):0050 0:0 0A"
            #expect(listeners(Array(line.utf8)) == [.init(port: 80, isLoopback: isLoopback)], "\(address)")
        }
    }

    /// The bytes of a response that has not ended, and the result if no more come.
    static let partial: [(String, ProbeResult.Outcome)] = [
        ("", .silent), ("HTTP/1.1 2", .unfinishedHead), ("HTTP/1.1 200 OK\r\nA: b\r\n", .unfinishedHead),
        ("HTTP/1.1 200 OK\r\n\r\nabc", .unfinishedBody(status: 200, byteCount: 3)),
        (
            "HTTP/1.1 203 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            .unfinishedBody(status: 203, byteCount: 5)
        ),
    ]

    @Test("A response without end is described by its last part", arguments: partial.indices)
    func unfinished(row: Int) {
        var response = ResponseParser()
        response.receive(Array(Self.partial[row].0.utf8))
        #expect(response.unfinished == Self.partial[row].1)
    }

    @Test("A text is found in a body wherever its pieces end", arguments: [1, 2, 3, 7, 100])
    func wanted(length: Int) {
        let bytes = Array("HTTP/1.1 200 OK\r\n\r\naabab wanted aab".utf8)
        for (text, isThere) in [("aabab", true), ("wanted", true), ("aab", true), ("wanted!", false), ("200", false)] {
            var response = ResponseParser(wanted: Array(text.utf8))
            for start in stride(from: 0, to: bytes.count, by: length) {
                response.receive(Array(bytes[start..<min(start + length, bytes.count)]))
            }
            response.close()
            #expect(response.hasWanted == isThere, "\(text)")
            #expect(String(decoding: response.excerpt, as: UTF8.self) == "aabab wanted aab")
        }
    }

    @Test("The response to HEAD ends with its header")
    func head() {
        var response = ResponseParser(hasNoBody: true)
        response.receive(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8))
        #expect(response.isComplete)
    }

    /// A response, and the head and body that are kept of it.
    static let answers: [(String, String, String)] = [
        (
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nxyzmore",
            "HTTP/1.1 200 OK\nA: b\nContent-Length: 3\n\n", "xyz"
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n",
            "HTTP/1.1 201 OK\nTransfer-Encoding: chunked\n\n", "abc"
        ),
        ("HTTP/1.0 500 No\n\nall the rest", "HTTP/1.0 500 No\n\n", "all the rest"),
    ]

    @Test("Head and body of a response are kept if requested", arguments: answers, [1, 5, 1_000])
    func content(example: (String, String, String), length: Int) {
        let bytes = Array(example.0.utf8)
        for keeps in [true, false] {
            var response = ResponseParser(keepsContent: keeps)
            for start in stride(from: 0, to: bytes.count, by: length) {
                response.receive(Array(bytes[start..<min(start + length, bytes.count)]))
            }
            response.close()
            #expect(response.isComplete)
            #expect(response.byteCount == UInt64(example.2.utf8.count))
            #expect(String(decoding: response.head, as: UTF8.self) == (keeps ? example.1 : ""))
            #expect(String(decoding: response.content.prefix, as: UTF8.self) == (keeps ? example.2 : ""))
        }
    }

    /// Headers beyond the limit: one of many lines, and one of a single line.
    static let headers = [
        (0..<5_000).map { "X-\($0): aaaaaaaaaaaaaaaaaaaa\r\n" }.joined(),
        "X: \(String(repeating: "a", count: 20_000))\r\n",
    ]

    @Test("A header beyond the limit is malformed if its content is requested", arguments: headers)
    func longHeader(header: String) {
        for keeps in [true, false] {
            var response = ResponseParser(keepsContent: keeps)
            response.receive(Array("HTTP/1.1 200 OK\r\n\(header)Content-Length: 1\r\n\r\na".utf8))
            #expect(response.isMalformed == keeps)
            #expect(response.isComplete == !keeps)
            #expect(response.head.count <= 16_384)
        }
    }

    @Test("The report of ports fits a frame for any number of listeners")
    func manyPorts() {
        let all = listening(Array(1...65_535) + Array(1...65_535))
        #expect(all == Array(1...UInt16(ProbeEvent.portLimit)))
        #expect(listening([80, 22, 80]) == [22, 80])
        #expect(Message.probeEvent(.listening(all)).encode().count <= 8_192)
    }

    @Test("An endless body needs bounded memory")
    func endless() {
        var response = ResponseParser(keepsContent: true)
        response.receive(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        for _ in 0..<20 { response.receive([UInt8](repeating: 0x41, count: 16_384)) }
        #expect(response.content.prefix.count == StreamDigest.prefixLimit)
        #expect(response.content.byteCount == 20 * 16_384)
    }
}
