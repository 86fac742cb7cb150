internal import Guest

/// The threads of an image and the files that they opened, as the guest reported them; bounded for any guest.
struct StartRecord {
    private(set) var opens: [Message.FileOpen] = []
    private(set) var threads: [Message.ThreadUsage] = []
    /// The program's output in pieces.
    private(set) var output: [(time: GuestTime, bytes: [UInt8])] = []
    /// The records of samples by processor.
    private(set) var samples: [[UInt8]] = []
    private var sampleBytes = 0
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

    mutating func add(samples bytes: [UInt8], of processor: UInt8) {
        guard sampleBytes + bytes.count <= StartRecord.sampleLimit, processor <= samples.count,
            processor < StartRecord.processorLimit
        else { return isIncomplete = true }
        sampleBytes += bytes.count
        if Int(processor) == samples.count { samples.append([]) }
        samples[Int(processor)] += bytes
    }

    mutating func add(output bytes: [UInt8], at time: GuestTime) {
        guard output.count < StartRecord.outputLimit else { return }
        output.append((time, Array(bytes.suffix(StartRecord.lineLimit))))
    }

    private static let sampleLimit = 64 << 20
    private static let processorLimit = 64
    private static let outputLimit = 512
    private static let lineLimit = 256

    mutating func receive(_ event: ProbeEvent) {
        switch event {
        case .openedFilesIncomplete, .observationFailed: isIncomplete = true
        default: break
        }
    }
}
