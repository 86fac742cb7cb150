public import SystemPackage

/// The client's settings: proxy, time-outs and trusted certificates.
public struct HTTPConfiguration: Sendable {
    /// The `User-Agent` field: `thaw/0.1.0`.
    public var userAgent = "thaw"
    /// The proxy of each connection.
    public var proxy = Proxy.environment
    /// The time limit for a connection.
    public var connectTimeout = Duration.seconds(15)
    /// The time that a transfer may stay below ``minimumSpeed``.
    public var stallTimeout = Duration.seconds(60)
    /// The bytes per second that a transfer has to move; 0 sets no limit.
    public var minimumSpeed = 1000
    /// Returns the certificates that an address must be checked with.
    public var trust: @Sendable (WebAddress) throws -> Trust = { _ in Trust() }

    /// The default settings.
    public init() {}
}

/// The certificates that a server's is checked against, and the one that the client presents.
public struct Trust: Hashable, Sendable {
    /// True if any certificate is accepted.
    public var isInsecure = false
    /// Certificates in PEM that are trusted in addition to the system's.
    public var authorities: [UInt8] = []
    /// The client's certificate and key.
    public var client: ClientCertificate?

    /// The system's authorities, and no client certificate.
    public init() {}

    /// The paths of a certificate and its key in PEM.
    public struct ClientCertificate: Hashable, Sendable {
        /// The certificate's path.
        public var certificate: FilePath
        /// The key's path.
        public var key: FilePath

        public init(certificate: FilePath, key: FilePath) {
            self.certificate = certificate
            self.key = key
        }
    }
}

/// The proxy that connections go through.
public enum Proxy: Hashable, Sendable {
    /// The proxy of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case; never used for loopback.
    case environment
    /// No proxy.
    case none
    /// The proxy's address: `http://`, `https://`, `socks4a://`, `socks5://` or `socks5h://`.
    case address(String)
}
