/// The interface of a guest of our own machine that sends the host a message with one store, before it has any device.
///
/// A 32-bit store of N to the page sends the first N bytes of the mailbox to the host. When the store has completed,
/// the mailbox holds the host's reply: its length as 32 little-endian bits, then its bytes.
public enum Doorbell {
    /// The name of this interface in ``BootSpec/channel``.
    public static let channel: StaticString = "doorbell"
    /// The guest physical address of the page; it is not memory.
    public static let page: UInt64 = 0xC000_0000
    /// The guest physical address of the mailbox.
    public static let mailbox: UInt64 = 0xC001_0000
    /// The size of the mailbox in bytes.
    public static let mailboxLength: UInt = 0x1_0000
}
