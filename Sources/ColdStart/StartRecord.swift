internal import Guest

/// The threads of an image and the files that they opened, as the guest reported them; bounded for any guest.
struct StartRecord {
    private(set) var opens: [Message.FileOpen] = []
    private(set) var threads: [Message.ThreadUsage] = []
    /// True if some opened files are missing.
    private(set) var isIncomplete = false

    mutating func add(_ open: Message.FileOpen) {
        guard opens.count < Message.FileOpen.limit else { return isIncomplete = true }
        opens.append(open)
    }

    mutating func add(_ thread: Message.ThreadUsage) {
        guard threads.count < Message.ThreadUsage.limit else { return }
        threads.append(thread)
    }

    mutating func receive(_ event: ProbeEvent) {
        switch event {
        case .openedFilesIncomplete, .observationFailed: isIncomplete = true
        default: break
        }
    }
}
