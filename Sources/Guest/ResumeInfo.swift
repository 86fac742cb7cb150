/// The resume message for a machine: it may have been stopped for days, and other machines may share its snapshot.
public struct ResumeInfo: Equatable, Sendable {
    /// The number of entropy bytes for a machine.
    public static let entropyLength = 64

    /// The time of day, in seconds since 1970.
    public var seconds: UInt64
    /// The nanoseconds within that second.
    public var nanoseconds: UInt32
    /// Random bytes, different for every machine.
    public var entropy: [UInt8]

    /// A resume message.
    public init(seconds: UInt64, nanoseconds: UInt32, entropy: [UInt8]) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.entropy = entropy
    }

    /// The bytes for the mailbox.
    public func encode() -> [UInt8] {
        var writer = WireWriter()
        writer.put(seconds)
        writer.put(nanoseconds)
        writer.put(entropy)
        return writer.bytes
    }

    /// Decodes the mailbox; `nil` if it contains no resume message.
    public init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard let seconds = reader.number(UInt64.self), let nanoseconds = reader.number(UInt32.self),
            let entropy = reader.text(), reader.isAtEnd
        else { return nil }
        self.init(seconds: seconds, nanoseconds: nanoseconds, entropy: entropy)
    }
}
