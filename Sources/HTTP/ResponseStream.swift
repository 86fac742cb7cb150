/// A response whose head has arrived and whose body is read as it arrives.
///
/// The transfer moves only during ``next()``, so a slow reader makes the server wait. Releasing the stream before its
/// end closes the connection.
public final class ResponseStream {
    /// The status, the headers and the address of the response.
    public let response: Response
    /// The number of bytes read.
    public private(set) var count: Int64 = 0

    private let transfer: HTTPTransfer
    private let pool: ConnectionPool
    private let cancellation: Cancellation?
    /// Nil after the end, when the connection is back in the pool.
    private var connection: Connection?

    /// Sends a request and waits for the head of the response.
    init(
        _ request: Request, settings: Connection.Settings, pool: ConnectionPool, cancellation: Cancellation?
    ) throws {
        let transfer = HTTPTransfer(host: request.address.authority, body: request.body)
        let connection = try pool.take(request.address.origin)
        try connection.begin(request, transfer: transfer, settings: settings)
        self.transfer = transfer
        self.connection = connection
        self.pool = pool
        self.cancellation = cancellation
        var isWhole = false
        while !isWhole, !transfer.head.isComplete {
            isWhole = try Self.drive(connection, transfer: transfer, cancellation: cancellation) {
                transfer.head.isComplete
            }
        }
        guard transfer.head.isComplete else { throw HTTPError.malformedResponse(transfer.host) }
        response = Response(
            status: transfer.head.status, headers: transfer.head.headers, address: request.address)
        if isWhole { finish() }
    }

    deinit { connection?.end() }

    /// Returns the next chunk, which is empty only at the end.
    ///
    /// Blocks.
    /// - Throws: ``HTTPError``, also if the connection ends before the announced length; `CancellationError`.
    public func next() throws -> [UInt8] {
        while let connection, !transfer.hasBytes {
            if transfer.isPaused { connection.resume() }
            let isWhole = try Self.drive(connection, transfer: transfer, cancellation: cancellation) { [transfer] in
                transfer.hasBytes
            }
            if isWhole { finish() }
        }
        let chunk = transfer.take()
        count += Int64(chunk.count)
        return chunk
    }

    /// Reads the rest of the body, of at most `limit` bytes.
    ///
    /// Blocks.
    public func readAll(limit: Int) throws -> [UInt8] {
        var content: [UInt8] = []
        while true {
            let chunk = try next()
            if chunk.isEmpty { return content }
            guard content.count + chunk.count <= limit else {
                throw HTTPError.tooLarge(transfer.host, limit: Int64(limit))
            }
            content += chunk
        }
    }

    /// Moves the transfer on; true if it is complete without an error.
    private static func drive(
        _ connection: Connection, transfer: HTTPTransfer, cancellation: Cancellation?, until isSatisfied: () -> Bool
    ) throws -> Bool {
        guard let verdict = try connection.drive(cancellation, until: isSatisfied) else { return false }
        guard let error = connection.error(verdict, host: transfer.host) else { return true }
        throw transfer.failure ?? error
    }

    private func finish() {
        guard let connection else { return }
        connection.end()
        pool.release(connection, response.address.origin)
        self.connection = nil
    }
}
