/// How a guest of our own machine tells the host something in one store, before it has any device.
///
/// A 32-bit store of N to the page says that the mailbox holds N bytes for the host. When the store is done, the mailbox
/// holds the host's answer: its length as 32 little-endian bits, and its bytes.
public enum Doorbell {
    /// The name of this way in ``Orders/channel``.
    public static let channel: StaticString = "doorbell"
    /// Where the page is that is no memory.
    public static let page: UInt64 = 0xC000_0000
    /// Where the mailbox is.
    public static let mailbox: UInt64 = 0xC001_0000
    /// How many bytes it has.
    public static let mailboxLength: UInt = 0x1_0000
}
