/// A check of a program: a request, a connection, a command, or a line of its output.
///
/// Strings are bytes, because init shares this type, and neither the image nor the kernel guarantees UTF-8.
public enum ProbeAction: Equatable, Sendable {
    /// A GET on the loopback address whose response has a status from 200 to 399.
    case http(port: UInt16, path: [UInt8])
    /// A connection on the loopback address that is accepted.
    case tcp(port: UInt16)
    /// A command in the image, run without a shell, that ends with status 0.
    case exec([[UInt8]])
    /// A regular expression, in the syntax of `LinePattern`, that matches within a line of the program's output.
    case log([UInt8])

    /// True if the host matches it against the program's output, so that init has nothing to try.
    public var isPattern: Bool { if case .log = self { true } else { false } }

    /// The request of the probe `http`, for a connection that ends with the response.
    public static func request(path: [UInt8], port: UInt16) -> [UInt8] {
        bytes("GET ") + path + bytes(" HTTP/1.1\r\nHost: 127.0.0.1:") + decimal(port)
            + bytes("\r\nUser-Agent: thaw\r\nAccept: */*\r\nConnection: close\r\n\r\n")
    }
}

/// One probe or command of a run.
public struct ProbeSpec: Equatable, Sendable {
    /// The probe to run.
    public var action: ProbeAction
    /// True if it is repeated for a while until it passes; a command may end in any way.
    public var mustPass: Bool
    /// The timeout of each attempt.
    public var timeoutMilliseconds: UInt32

    /// A probe of a run.
    public init(_ action: ProbeAction, mustPass: Bool, timeoutMilliseconds: UInt32) {
        self.action = action
        self.mustPass = mustPass
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}
