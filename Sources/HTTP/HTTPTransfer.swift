internal import CCurl

/// The state of one request: libcurl's callbacks read and write it while a ``Connection`` drives it.
///
/// Used by one thread at a time, the one that drives.
final class HTTPTransfer {
    /// The bytes that libcurl reads or sends at once.
    ///
    /// Four times as much is no faster, and costs memory for every transfer.
    static let bufferSize = 128 << 10
    /// The bytes that may wait for the reader; beyond it the server has to wait too.
    private static let capacity = bufferSize

    let host: String
    var head = ResponseHead()
    /// The error of ours that made a callback fail, which explains libcurl's own error.
    private(set) var failure: (any Error)?
    private(set) var isPaused = false
    private var received: [UInt8] = []
    private let body: RequestBody?
    private var reader: RequestBody.Reader?
    private var pending: ArraySlice<UInt8> = []
    private var sent: Int64 = 0

    init(host: String, body: RequestBody?) {
        self.host = host
        self.body = body
    }

    /// True if bytes wait to be read.
    var hasBytes: Bool { !received.isEmpty }

    /// Returns the bytes received since the last call.
    func take() -> [UInt8] {
        defer { received = [] }
        return received
    }

    func resume() { isPaused = false }

    /// Takes a line of the response's head; false ends the transfer.
    func take(line: UnsafeRawBufferPointer) -> Bool {
        let accepted = head.add(line: unsafe String(decoding: line, as: UTF8.self))
        if !accepted { failure = HTTPError.malformedResponse(host) }
        return accepted
    }

    /// Takes a part of the response's body; false leaves it with libcurl until the transfer is resumed.
    func take(content: UnsafeRawBufferPointer) -> Bool {
        guard received.count < Self.capacity else {
            isPaused = true
            return false
        }
        if received.isEmpty { received.reserveCapacity(Self.capacity) }
        unsafe received.append(contentsOf: content)
        return true
    }

    /// Fills a buffer with bytes to send; 0 at the end, nil after a failure.
    func send(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        do {
            if pending.isEmpty { pending = try nextChunk()[...] }
            let count = min(buffer.count, pending.count)
            unsafe buffer.copyBytes(from: pending.prefix(count))
            pending = pending.dropFirst(count)
            sent += Int64(count)
            return count
        } catch {
            failure = error
            return nil
        }
    }

    private func nextChunk() throws -> [UInt8] {
        guard let body else { return [] }
        let reader = try reader ?? body.open()
        self.reader = reader
        let chunk = try reader()
        // A server responds only to a whole body, so libcurl would wait forever.
        if chunk.isEmpty, sent < body.length {
            throw HTTPError.shortBody(host, expected: body.length, sent: sent)
        }
        return chunk
    }
}

/// The head of a response, line by line; heads of status 1xx come before the final one.
struct ResponseHead {
    private static let limit = 256 << 10

    private(set) var status = 0
    private(set) var headers = Headers()
    private(set) var isComplete = false
    private var size = 0

    /// Takes one line; false if this is no HTTP, or longer than any server sends.
    mutating func add(line: String) -> Bool {
        if isComplete { return true }  // a trailer
        size += line.utf8.count
        let text = line.trimmed
        if text.hasPrefix("HTTP/") {
            headers = Headers()
            let words = text.split(separator: " ", maxSplits: 2)
            status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        } else if text.isEmpty {
            isComplete = status >= 200
        } else if let colon = text.firstIndex(of: ":") {
            headers.add(String(text[..<colon]), String(text[text.index(after: colon)...]).trimmed)
        }
        return size <= Self.limit
    }
}

extension String {
    /// The text without white space at either end.
    fileprivate var trimmed: String {
        let bytes = utf8
        let isSpace = { (byte: UInt8) in byte == 32 || (9...13).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
