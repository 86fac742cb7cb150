/// What a machine must be told when it runs on: it may have slept for days, and others may have woken from the same bed.
public struct Awakening: Equatable, Sendable {
    /// How many bytes of entropy a machine gets.
    public static let entropyLength = 64

    /// The time of day, in seconds since 1970.
    public var seconds: UInt64
    /// Its fraction.
    public var nanoseconds: UInt32
    /// Bytes that no other machine has.
    public var entropy: [UInt8]

    /// What to tell.
    public init(seconds: UInt64, nanoseconds: UInt32, entropy: [UInt8]) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.entropy = entropy
    }

    /// The bytes in the mailbox.
    public func encode() -> [UInt8] {
        var writer = WireWriter()
        writer.put(seconds)
        writer.put(nanoseconds)
        writer.put(entropy)
        return writer.bytes
    }

    /// What is in the mailbox, or `nil`.
    public init?(decoding bytes: [UInt8]) {
        var reader = WireReader(bytes)
        guard let seconds = reader.number(UInt64.self), let nanoseconds = reader.number(UInt32.self),
            let entropy = reader.text(), reader.isAtEnd
        else { return nil }
        self.init(seconds: seconds, nanoseconds: nanoseconds, entropy: entropy)
    }
}
