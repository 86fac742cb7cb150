internal import Guest

/// What the guest hears back when it rings.
public enum DoorbellAnswer: Sendable {
    /// The guest goes on; the bytes are in its mailbox, after a 32-bit length.
    case proceed(reply: [UInt8] = [])
    /// The guest goes on later: all processors stop behind this very instruction, and ``Machine/run(until:)`` returns.
    case hold
    /// The machine has done what it was for.
    case end
}

/// The host's end of a ``Guest/Doorbell``: the guest does not run on until it is answered.
struct DoorbellLine {
    let handler: @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellAnswer

    /// Takes a ring of the guest's; a length beyond the mailbox is cut to it.
    func ring(_ count: UInt32, at time: UInt64, _ memory: GuestMemory) -> DoorbellAnswer {
        let length = min(Int(count), Int(Doorbell.mailboxLength))
        // The mailbox is memory of every machine.
        let message = (try? memory.bytes(at: Doorbell.mailbox, count: length)) ?? []
        let answer = handler(message, time)
        switch answer {
        case .proceed(let reply): put(reply, memory)
        case .hold, .end: break
        }
        return answer
    }

    func put(_ reply: [UInt8], _ memory: GuestMemory) {
        let bytes = reply.prefix(Int(Doorbell.mailboxLength) - 4)
        try? memory.store(UInt32(bytes.count), at: Doorbell.mailbox)
        try? memory.write(Array(bytes), at: Doorbell.mailbox + 4)
    }
}

extension Range<UInt64> {
    /// Where the mailbox is.
    static let mailbox = Doorbell.mailbox..<(Doorbell.mailbox + UInt64(Doorbell.mailboxLength))
}
