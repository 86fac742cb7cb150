internal import Guest

/// The host's response to a ring of the guest's doorbell.
public enum DoorbellResponse: Sendable {
    /// The guest continues; the bytes are in its mailbox, after a 32-bit length.
    case proceed(reply: [UInt8] = [])
    /// The guest is paused: all processors stop behind this instruction, and ``Machine/run(until:)`` returns.
    case pause
    /// The machine has done its work and ends.
    case end
}

/// The host's end of a ``Guest/Doorbell``: the guest waits for the response.
struct DoorbellDevice {
    let handler: @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse

    /// Handles a ring of the guest; a length beyond the mailbox is cut to its size.
    func ring(_ count: UInt32, at time: UInt64, _ memory: GuestMemory) -> DoorbellResponse {
        let length = min(Int(count), Int(Doorbell.mailboxLength))
        // Every machine has the mailbox's memory.
        let message = (try? memory.bytes(at: Doorbell.mailbox, count: length)) ?? []
        let answer = handler(message, time)
        switch answer {
        case .proceed(let reply): put(reply, memory)
        case .pause, .end: break
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
    /// The address range of the mailbox.
    static let mailbox = Doorbell.mailbox..<(Doorbell.mailbox + UInt64(Doorbell.mailboxLength))
}
