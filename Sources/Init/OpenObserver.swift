import CInit

/// Observes the files of the image that are opened, invisibly for the image's programs.
///
/// It reports each file to the host once, or keeps each opening in a record that is sent later.
struct OpenObserver {
    let descriptor: Int32
    private let keepsRecord: Bool
    private var paths = PathSet()
    private var record: [Message.FileOpen] = []
    private var isComplete = true

    /// Observes the file system that is mounted at `/`, and no other.
    init(keepsRecord: Bool) throws(Message.StartFailure) {
        self.keepsRecord = keepsRecord
        descriptor = withCString(bytes("/")) { cinit_observe($0) }
        try check(.bootSpec, of: [], error: descriptor)
    }

    /// The number of files that were reported.
    var fileCount: Int { paths.count }

    /// The watch for `poll`.
    var watch: cinit_watch { cinit_watch(descriptor: descriptor, wanted: Int16(cinit_readable), ready: 0) }

    /// Reports all files that were opened until now, up to a limit: a program that never stops must not block init.
    mutating func drain(to channel: HostChannel) {
        for _ in 0..<PathSet.limit {
            var length = 0
            var thread: Int32 = 0
            let path = [UInt8](unsafeUninitializedCapacity: ProbeEvent.pathLimit) { buffer, initialized in
                length = cinit_next_opened(descriptor, buffer.baseAddress, UInt(ProbeEvent.pathLimit), &thread)
                initialized = max(0, length)
            }
            if length < 0, cinit_is_pending(Int32(truncatingIfNeeded: length)) != 0 { return }
            if length < 0 {
                reportIncomplete(channel)
            } else if length > 0, keepsRecord {
                keep(path, UInt32(bitPattern: thread), channel)
            } else if length > 0 {
                report(path, channel)
            }
        }
    }

    /// Sends the record; it is empty afterwards.
    mutating func sendRecord(to channel: HostChannel) {
        for open in record { channel.send(.opened(open)) }
        record = []
    }

    private mutating func keep(_ path: [UInt8], _ thread: UInt32, _ channel: HostChannel) {
        guard record.count < Message.FileOpen.limit else { return reportIncomplete(channel) }
        let used = processorTime(ofThread: thread) ?? Message.FileOpen.unknownTime
        record.append(Message.FileOpen(thread: thread, time: now(), processorTime: used, path: path))
    }

    private mutating func report(_ path: [UInt8], _ channel: HostChannel) {
        switch paths.insert(path) {
        case .new: channel.send(.probeEvent(.openedFile(path)))
        case .known: break
        case .full: reportIncomplete(channel)
        }
    }

    private mutating func reportIncomplete(_ channel: HostChannel) {
        if isComplete { channel.send(.probeEvent(.openedFilesIncomplete)) }
        isComplete = false
    }
}
