import CInit

/// One attempt of the probe, advanced after every event; it never blocks.
enum ProbeAttempt {
    case connecting(Int32)
    case halfSent(Int32, rest: ArraySlice<UInt8>, ResponseParser)
    case awaitingResponse(Int32, ResponseParser)
    /// The response is complete or invalid, and the connection is closed.
    case done(ResponseParser)
    case running(ImageProcess)

    /// The result of one step of an attempt.
    enum AttemptStep {
        case waiting
        case connected
        case halfSent
        case completed(ProbeResult.Outcome)
    }

    /// The watch for `poll` that the attempt needs.
    var watch: cinit_watch? {
        switch self {
        case .connecting(let descriptor):
            cinit_watch(descriptor: descriptor, wanted: Int16(cinit_writable), ready: 0)
        case .awaitingResponse(let descriptor, _):
            cinit_watch(descriptor: descriptor, wanted: Int16(cinit_readable), ready: 0)
        case .halfSent, .done, .running: nil
        }
    }

    /// Closes the connection.
    func close() {
        switch self {
        case .connecting(let descriptor), .halfSent(let descriptor, _, _), .awaitingResponse(let descriptor, _):
            cinit_close(descriptor)
        case .done, .running: break
        }
    }

    /// Starts a connection, or returns its result if it failed at once.
    static func connect(to port: UInt16, version6: Bool) -> (ProbeAttempt?, ProbeResult.Outcome) {
        let descriptor = cinit_connect(port, version6 ? 1 : 0)
        return descriptor >= 0 ? (.connecting(descriptor), .refused) : (nil, .refused)
    }

    /// Sends the request once the connection is established.
    ///
    /// - Parameters:
    ///   - inHalves: only half of the request is sent, until ``completeRequest()``.
    ///   - keepsContent: the response keeps its header and stream digest.
    mutating func request(_ probe: HTTPProbe?, inHalves: Bool, keepsContent: Bool = false) -> AttemptStep {
        guard case .connecting(let descriptor) = self else { return .waiting }
        guard cinit_connection_error(descriptor) == 0 else {
            cinit_close(descriptor)
            return .completed(.refused)
        }
        guard let probe else {
            cinit_close(descriptor)
            return .completed(.connected)
        }
        let request = probe.request
        let response = ResponseParser(keepsContent: keepsContent, wanted: probe.wanted, hasNoBody: probe.isHead)
        let first = inHalves ? request.prefix(request.count / 2) : request[...]
        write(first, to: descriptor)
        guard inHalves else {
            self = .awaitingResponse(descriptor, response)
            return .connected
        }
        self = .halfSent(descriptor, rest: request[first.endIndex...], response)
        return .halfSent
    }

    /// Sends the rest of a request.
    mutating func completeRequest() -> AttemptStep {
        guard case .halfSent(let descriptor, let rest, let response) = self else { return .waiting }
        write(rest, to: descriptor)
        self = .awaitingResponse(descriptor, response)
        return .connected
    }

    private func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) {
        _ = bytes.withUnsafeBytes { cinit_write(descriptor, $0.baseAddress, UInt($0.count)) }
    }

    /// Reads the available bytes of the response.
    mutating func read() -> AttemptStep {
        guard case .awaitingResponse(let descriptor, var response) = self else { return .waiting }
        let limit = 16
        for _ in 0..<limit {
            var piece = [UInt8](repeating: 0, count: 16_384)
            let count = piece.withUnsafeMutableBytes { cinit_read(descriptor, $0.baseAddress, UInt($0.count)) }
            if count < 0 && cinit_is_pending(Int32(truncatingIfNeeded: count)) != 0 { break }
            if count > 0 { response.receive(Array(piece.prefix(count))) } else { response.close() }
            guard !response.isComplete, !response.isMalformed else {
                cinit_close(descriptor)
                self = .done(response)
                guard response.isComplete, let status = response.status else { return .completed(.broken) }
                return .completed(.http(status: status, byteCount: response.byteCount))
            }
        }
        self = .awaitingResponse(descriptor, response)
        return .waiting
    }

    /// The response of an attempt that is done.
    var response: ResponseParser? {
        if case .done(let response) = self { return response }
        return nil
    }

    /// The result if its time is over now.
    var unfinished: ProbeResult.Outcome {
        guard case .awaitingResponse(_, let response) = self else { return .timedOut }
        return response.unfinished
    }

    /// The status that has arrived so far.
    var status: UInt16? {
        guard case .awaitingResponse(_, let response) = self else { return nil }
        return response.status
    }
}
