internal import CCurl
internal import Glibc
internal import Linux
internal import SystemPackage

/// A libcurl handle and the connections that it keeps open; the reader's thread drives it.
///
/// ```
/// begin ─► drive … drive ─► outcome ─► end, and the next begin may use the same connection
/// ```
/// One thread at a time: the pool hands it out and takes it back under its lock, which makes it `Sendable`.
@safe final class Connection: @unchecked Sendable {
    private let easy: OpaquePointer
    private let multi: OpaquePointer
    private let reason: UnsafeMutablePointer<CChar>
    private var fields: UnsafeMutablePointer<curl_slist>?
    private var transfer: HTTPTransfer?
    private var settings = Settings()

    /// The client's settings that apply to one request.
    struct Settings {
        var configuration = HTTPConfiguration()
        var trust = Trust()
    }

    /// The result of libcurl's global initialization, which runs once.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init() throws(HTTPError) {
        guard Self.isReady, let easy = unsafe curl_easy_init(), let multi = unsafe curl_multi_init() else {
            throw .failed("this machine", code: 2, reason: "libcurl cannot be initialized")
        }
        unsafe self.easy = easy
        unsafe self.multi = multi
        unsafe reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        if transfer != nil { unsafe curl_multi_remove_handle(multi, easy) }
        unsafe curl_easy_cleanup(easy)
        unsafe curl_multi_cleanup(multi)
        unsafe curl_slist_free_all(fields)
        unsafe reason.deallocate()
    }
}

// MARK: - A request

extension Connection {
    /// Starts a request; the caller keeps `transfer` alive until ``end()``.
    func begin(_ request: Request, transfer: HTTPTransfer, settings: Settings) throws {
        precondition(self.transfer == nil, "one request at a time")
        self.settings = settings
        unsafe curl_easy_reset(easy)
        try setAddress(request)
        try setFields(request.headers)
        setMethod(request)
        setTransferOptions()
        try setTrust(host: request.address.authority)
        unsafe setCallbacks(Unmanaged.passUnretained(transfer).toOpaque())
        self.transfer = transfer
        unsafe curl_multi_add_handle(multi, easy)
    }

    /// Lets libcurl work, then waits for the network or a cancellation if nothing arrived.
    ///
    /// - Returns: Nil while the transfer runs; then libcurl's result.
    func drive(_ cancellation: Cancellation?, until isSatisfied: () -> Bool) throws -> CURLcode? {
        var running: Int32 = 0
        unsafe curl_multi_perform(multi, &running)
        if let result = verdict() { return result }
        if isSatisfied() { return nil }
        try wait(cancellation)
        return nil
    }

    /// Continues a paused transfer.
    func resume() {
        transfer?.resume()
        unsafe curl_easy_pause(easy, CURLPAUSE_CONT)
    }

    /// Detaches the request.
    ///
    /// The connection can be used again if the transfer was complete.
    func end() {
        unsafe curl_multi_remove_handle(multi, easy)
        unsafe curl_slist_free_all(fields)
        unsafe fields = nil
        transfer = nil
    }

    private func verdict() -> CURLcode? {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            if unsafe message.pointee.msg == CURLMSG_DONE { return unsafe message.pointee.data.result }
        }
        return nil
    }

    private func wait(_ cancellation: Cancellation?) throws {
        guard let cancellation else {
            unsafe curl_multi_poll(multi, nil, 0, 1000, nil)
            return
        }
        var extra = curl_waitfd(fd: cancellation.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        unsafe curl_multi_poll(multi, &extra, 1, 1000, nil)
        if extra.revents != 0 { throw CancellationError() }
    }
}

// MARK: - Options

extension Connection {
    private func setAddress(_ request: Request) throws {
        unsafe ccurl_set_text(easy, CURLOPT_URL, request.address.text)
        unsafe ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        unsafe ccurl_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        switch settings.configuration.proxy {
        case .none: unsafe ccurl_set_text(easy, CURLOPT_PROXY, "")
        case .address(let proxy):
            unsafe ccurl_set_text(easy, CURLOPT_PROXY, proxy)
            unsafe ccurl_set_text(easy, CURLOPT_NOPROXY, "")
        case .environment where request.address.isLoopback: unsafe ccurl_set_text(easy, CURLOPT_PROXY, "")
        case .environment:
            // libcurl reads the other variables itself.
            guard request.address.scheme == "http", unsafe getenv("http_proxy") == nil,
                let proxy = unsafe getenv("HTTP_PROXY")
            else { return }
            unsafe ccurl_set_text(easy, CURLOPT_PROXY, proxy)
        }
    }

    private func setFields(_ headers: Headers) throws(HTTPError) {
        for field in headers.fields {
            let isSafe = { (text: String) in text.utf8.allSatisfy { $0 >= 32 || $0 == 9 } }
            guard isSafe(field.name), isSafe(field.value) else { throw .malformedHeader(field.name) }
            unsafe fields = curl_slist_append(
                fields, field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        unsafe ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, UnsafeMutableRawPointer(fields))
        // A proxy must not get the fields that are meant for the server.
        unsafe ccurl_set_long(easy, CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        unsafe ccurl_set_text(easy, CURLOPT_USERAGENT, settings.configuration.userAgent)
    }

    private func setMethod(_ request: Request) {
        if request.method == .head { unsafe ccurl_set_long(easy, CURLOPT_NOBODY, 1) }
        if let body = request.body {
            unsafe ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
            unsafe ccurl_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(body.length))
            unsafe ccurl_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, HTTPTransfer.bufferSize)
        }
        if !request.method.isReading || request.body != nil {
            unsafe ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    /// Sets the protocol, buffers and time limits.
    ///
    /// HTTP/1.1: every transfer has its own connection, so there would be nothing to multiplex.
    private func setTransferOptions() {
        let configuration = settings.configuration
        unsafe ccurl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        unsafe ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        unsafe ccurl_set_long(easy, CURLOPT_BUFFERSIZE, HTTPTransfer.bufferSize)
        unsafe ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        unsafe ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        unsafe ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(configuration.connectTimeout.milliseconds))
        unsafe ccurl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, max(0, configuration.minimumSpeed))
        unsafe ccurl_set_long(easy, CURLOPT_LOW_SPEED_TIME, Int(max(1, configuration.stallTimeout.components.seconds)))
        unsafe reason.pointee = 0
        unsafe ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, reason)
    }

    private func setTrust(host: String) throws(HTTPError) {
        let trust = settings.trust
        if trust.isInsecure {
            unsafe ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0)
            unsafe ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0)
        }
        let (file, directory) = unsafe (getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR"))
        if let file = unsafe file { unsafe ccurl_set_text(easy, CURLOPT_CAINFO, file) }
        if let directory = unsafe directory { unsafe ccurl_set_text(easy, CURLOPT_CAPATH, directory) }
        if unsafe file == nil && directory == nil {
            switch SystemAuthorities.current {
            case .defaults: break
            case .directory: unsafe ccurl_set_text(easy, CURLOPT_CAINFO, nil)
            case .file(let path): unsafe ccurl_set_text(easy, CURLOPT_CAINFO, path.string)
            }
        }
        if !trust.authorities.isEmpty {
            // The directory of the system's authorities stays in use beside them.
            var bytes = trust.authorities
            let result = unsafe bytes.withUnsafeMutableBytes {
                unsafe ccurl_set_authorities(easy, $0.baseAddress, $0.count)
            }
            guard result == CURLE_OK else { throw .noAuthorities(host) }
        }
        if let client = trust.client {
            unsafe ccurl_set_text(easy, CURLOPT_SSLCERT, client.certificate.string)
            unsafe ccurl_set_text(easy, CURLOPT_SSLKEY, client.key.string)
        }
    }

    /// Sets the callbacks, which libcurl calls only inside ``drive(_:until:)`` and ``resume()``.
    ///
    /// The transfer exists during both.
    private func setCallbacks(_ transfer: UnsafeMutableRawPointer) {
        unsafe ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, transfer in
            let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe Connection.transfer(transfer).take(line: line) ? size * count : 0
        }
        unsafe ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, transfer in
            let content = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe Connection.transfer(transfer).take(content: content)
                ? size * count : Int(CURL_WRITEFUNC_PAUSE)
        }
        unsafe ccurl_set_callback(easy, CURLOPT_READFUNCTION) { bytes, size, count, transfer in
            let buffer = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
            return unsafe Connection.transfer(transfer).send(into: buffer) ?? Int(CURL_READFUNC_ABORT)
        }
        for option in [CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA] {
            unsafe ccurl_set_pointer(easy, option, transfer)
        }
    }

    private static func transfer(_ pointer: UnsafeMutableRawPointer?) -> HTTPTransfer {
        guard let pointer = unsafe pointer else { preconditionFailure("libcurl passes the pointer that was set") }
        return unsafe Unmanaged<HTTPTransfer>.fromOpaque(pointer).takeUnretainedValue()
    }
}

// MARK: - Errors

extension Connection {
    /// Converts libcurl's result into an error; nil is success.
    func error(_ code: CURLcode, host: String) -> HTTPError? {
        let text = unsafe String(cString: reason)
        let reason = text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
        switch code {
        case CURLE_OK: return nil
        case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost(host)
        case CURLE_COULDNT_RESOLVE_PROXY: return .unknownProxy(host)
        case CURLE_COULDNT_CONNECT: return .unreachable(host)
        case CURLE_OPERATION_TIMEDOUT: return timeout(host)
        case CURLE_SSL_CONNECT_ERROR: return .notTLS(host, reason: reason)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: return .untrusted(host, reason: reason)
        case CURLE_SSL_CACERT_BADFILE: return .noAuthorities(host)
        case CURLE_SSL_CERTPROBLEM: return .clientCertificate(host, reason: reason)
        case CURLE_PROXY: return .proxyFailed(host, reason: reason)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            return .malformedResponse(host)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND:
            let status = unsafe ccurl_get_long(easy, CURLINFO_HTTP_CONNECTCODE)
            return status >= 400 ? .proxyRefused(host, status: status) : .interrupted(host)
        default: return .failed(host, code: Int(code.rawValue), reason: reason)
        }
    }

    private func timeout(_ host: String) -> HTTPError {
        let wasConnected = unsafe ccurl_get_size(easy, CURLINFO_PRETRANSFER_TIME_T) > 0
        let configuration = settings.configuration
        return wasConnected
            ? .stalled(
                host, seconds: configuration.stallTimeout.components.seconds,
                bytesPerSecond: configuration.minimumSpeed)
            : .noConnection(host, seconds: configuration.connectTimeout.components.seconds)
    }
}
