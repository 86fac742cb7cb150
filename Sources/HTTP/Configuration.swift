public import SystemPackage

/// How servers are reached and trusted.
public struct Configuration: Sendable {
    /// What names this program to servers: `thaw/0.1.0`.
    public var userAgent = "thaw"
    /// How a connection goes out.
    public var proxy = Proxy.environment
    /// How long a connection may take.
    public var connectTimeout = Duration.seconds(15)
    /// How long a transfer may stay below ``minimumSpeed``.
    public var stallTimeout = Duration.seconds(60)
    /// The bytes per second that a transfer has to move; 0 for no such limit.
    public var minimumSpeed = 1000
    /// Whom to trust where.
    public var trust: @Sendable (WebAddress) throws -> Trust = { _ in Trust() }

    /// The usual.
    public init() {}
}

/// What a server's certificate is held against, and what is shown to it.
public struct Trust: Hashable, Sendable {
    /// Whether any certificate will do.
    public var isInsecure = false
    /// Certificates in PEM that are trusted beside the system's.
    public var authorities: [UInt8] = []
    /// The client's certificate and its key, in PEM files.
    public var client: ClientCertificate?

    /// The system's authorities, and no client certificate.
    public init() {}

    /// Files in PEM.
    public struct ClientCertificate: Hashable, Sendable {
        /// The certificate.
        public var certificate: FilePath
        /// Its key.
        public var key: FilePath

        /// A certificate and its key.
        public init(certificate: FilePath, key: FilePath) {
            self.certificate = certificate
            self.key = key
        }
    }
}

/// How connections leave this machine.
public enum Proxy: Hashable, Sendable {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case; never to reach this machine.
    case environment
    /// Directly.
    case none
    /// Through `http://`, `https://`, `socks4a://`, `socks5://` or `socks5h://`.
    case address(String)
}
