/// A parser for one HTTP response as its bytes arrive: the status, and the size of the body.
///
/// It stores only the current line, so an endless response costs no memory. With `keepsContent` it also keeps the
/// header, which must not be longer than a line, and the stream digest of the body.
struct ResponseParser {
    private enum State {
        case statusLine
        case header
        case body(remaining: UInt64?)
        case chunkSize
        case chunk(remaining: UInt64)
        case trailer
        case complete
        case malformed
    }

    private static let lineLimit = 16_384
    private var state = State.statusLine
    private var line: [UInt8] = []
    private var length: UInt64?
    private var isChunked = false
    private let keepsContent: Bool

    /// The status line and the header fields as received; empty without `keepsContent`.
    private(set) var head: [UInt8] = []
    private var isHeadComplete = true
    /// The body's stream; empty without `keepsContent`.
    private(set) var content = StreamHasher()

    /// The bytes that the body must contain.
    private let wanted: [UInt8]
    /// True for the response to a HEAD request.
    private let hasNoBody: Bool
    /// The end of the body so far, in which the wanted bytes may begin.
    private var tail: [UInt8] = []
    /// True if the body contains the wanted bytes.
    private(set) var hasWanted: Bool
    /// The first bytes of the body.
    private(set) var excerpt: [UInt8] = []
    /// True if any byte has arrived.
    private(set) var hasBegun = false

    init(keepsContent: Bool = false, wanted: [UInt8] = [], hasNoBody: Bool = false) {
        self.keepsContent = keepsContent
        self.wanted = wanted
        self.hasNoBody = hasNoBody
        hasWanted = wanted.isEmpty
    }

    /// The result if no more bytes come.
    var unfinished: ProbeResult.Outcome {
        guard hasBegun else { return .silent }
        switch state {
        case .statusLine, .header, .malformed, .complete: return .unfinishedHead
        case .body, .chunkSize, .chunk, .trailer:
            return .unfinishedBody(status: status ?? 0, byteCount: byteCount)
        }
    }

    /// The status once its line has arrived; an interim response (1xx) doesn't count.
    private(set) var status: UInt16?
    /// The bytes of the body so far, without the framing of chunks.
    private(set) var byteCount: UInt64 = 0

    /// True if the response is complete; any further bytes are ignored.
    var isComplete: Bool {
        if case .complete = state { return true }
        return false
    }

    /// True if this is not a valid response.
    var isMalformed: Bool {
        if case .malformed = state { return true }
        return false
    }

    mutating func receive(_ bytes: [UInt8]) {
        hasBegun = hasBegun || !bytes.isEmpty
        var position = 0
        while position < bytes.count {
            switch state {
            case .complete, .malformed: return
            case .body(let remaining): position += take(remaining, of: bytes[position...])
            case .chunk(let remaining): position += takeChunk(remaining, of: bytes[position...])
            case .statusLine, .header, .chunkSize, .trailer:
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\n") {
                    endLine()
                } else if line.count < ResponseParser.lineLimit {
                    line.append(byte)
                }
            }
        }
    }

    /// Handles the end of the connection, which completes a body without a declared length.
    mutating func close() {
        if case .body(nil) = state { state = .complete }
        if case .complete = state { return }
        state = .malformed
    }

    private mutating func take(_ remaining: UInt64?, of available: ArraySlice<UInt8>) -> Int {
        let count = min(remaining ?? UInt64.max, UInt64(available.count))
        keep(available.prefix(Int(count)))
        if let remaining { state = remaining == count ? .complete : .body(remaining: remaining - count) }
        return Int(count)
    }

    private mutating func takeChunk(_ remaining: UInt64, of available: ArraySlice<UInt8>) -> Int {
        let count = min(remaining, UInt64(available.count))
        keep(available.prefix(Int(count)))
        state = remaining == count ? .chunkSize : .chunk(remaining: remaining - count)
        return Int(count)
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        byteCount &+= UInt64(bytes.count)
        excerpt += bytes.prefix(Message.excerptLimit - excerpt.count)
        search(bytes)
        if keepsContent { content.receive(bytes) }
    }

    private mutating func search(_ bytes: ArraySlice<UInt8>) {
        guard !hasWanted else { return }
        tail += bytes
        var start = 0
        while start + wanted.count <= tail.count {
            if tail[start] == wanted[0], tail[start..<(start + wanted.count)].elementsEqual(wanted) {
                (hasWanted, tail) = (true, [])
                return
            }
            start += 1
        }
        tail.removeFirst(max(0, tail.count - wanted.count + 1))
    }

    private mutating func keepHead(_ line: [UInt8]) {
        guard keepsContent else { return }
        guard isHeadComplete, head.count + line.count + 1 <= ResponseParser.lineLimit else {
            isHeadComplete = false
            return
        }
        head += line
        head.append(UInt8(ascii: "\n"))
    }

    private mutating func endLine() {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let ended = line
        line = []
        switch state {
        case .statusLine:
            (head, isHeadComplete) = ([], true)
            keepHead(ended)
            readStatus(ended)
        case .header:
            keepHead(ended)
            if ended.isEmpty { endHead() } else { readHeader(ended) }
        case .chunkSize: readChunkSize(ended)
        case .trailer: if ended.isEmpty { state = .complete }
        default: break
        }
    }

    /// Parses a line such as `HTTP/1.1 200 OK`.
    private mutating func readStatus(_ text: [UInt8]) {
        let words = text.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count >= 2, words[0].count == 8, matches(Array(words[0].prefix(5)), "http/"),
            let code = number(Array(words[1])), code >= 100, code < 1000
        else {
            state = .malformed
            return
        }
        status = code >= 200 ? UInt16(code) : nil
        state = .header
    }

    private mutating func readHeader(_ text: [UInt8]) {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = Array(text[..<colon])
        let value = trimmed(text[(colon + 1)...])
        if matches(name, "content-length") {
            length = number(value).map { UInt64($0) }
        } else if matches(name, "transfer-encoding") {
            isChunked = value.count >= 7 && matches(Array(value.suffix(7)), "chunked")
        }
    }

    private mutating func endHead() {
        // A comparison of truncated headers would prove nothing.
        guard isHeadComplete else {
            state = .malformed
            return
        }
        guard let status else {
            state = .statusLine
            return
        }
        if hasNoBody || status == 204 || status == 304 || (length == 0 && !isChunked) {
            state = .complete
        } else {
            state = isChunked ? .chunkSize : .body(remaining: length)
        }
    }

    /// Parses a chunk's hexadecimal size and ignores an extension; also called for the empty line after a chunk.
    private mutating func readChunkSize(_ text: [UInt8]) {
        let digits = trimmed(text.prefix { $0 != UInt8(ascii: ";") })
        if digits.isEmpty { return }
        guard let size = hexadecimal(digits) else {
            state = .malformed
            return
        }
        state = size == 0 ? .trailer : .chunk(remaining: size)
    }
}

func hexadecimal(_ digits: [UInt8]) -> UInt64? {
    guard digits.count <= 15 else { return nil }
    var value: UInt64 = 0
    for digit in digits {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt64(digit - UInt8(ascii: "A") + 10)
        default: return nil
        }
    }
    return value
}

private func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var rest = text.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    while let last = rest.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { rest.removeLast() }
    return Array(rest)
}

/// True if `text` equals `word` regardless of case; `word` must be in lower case.
private func matches(_ text: [UInt8], _ word: StaticString) -> Bool {
    guard text.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<text.count {
        let byte = text[index]
        let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
        guard (isCapital ? byte | 0x20 : byte) == word.byte(at: index) else { return false }
    }
    return true
}

extension StaticString {
    fileprivate func byte(at index: Int) -> UInt8 { unsafe utf8Start[index] }
}

/// Parses decimal digits below 2^32 - 1; `nil` for anything else.
func number(_ digits: [UInt8]) -> UInt32? {
    guard !digits.isEmpty, digits.count <= 10 else { return nil }
    var value: UInt64 = 0
    for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
    }
    return value < UInt64(UInt32.max) ? UInt32(value) : nil
}
