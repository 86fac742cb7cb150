import CInit

/// Reports each file of the image that is opened to the host, once, invisibly for the image's programs.
struct FileObserver {
    let descriptor: Int32
    private var paths = PathSet()
    private var isComplete = true

    /// Observes the file system that is mounted at `/`, and no other.
    init() throws(Message.Failure) {
        descriptor = withCString(bytes("/")) { cinit_observe($0) }
        try check(.bootSpec, of: [], error: descriptor)
    }

    /// The watch for `poll`.
    var watch: cinit_watch { cinit_watch(descriptor: descriptor, wanted: Int16(cinit_readable), ready: 0) }

    /// Reports all files that were opened until now, up to a limit: a program that never stops must not block init.
    mutating func drain(to channel: HostChannel) {
        for _ in 0..<PathSet.limit {
            var length = 0
            let path = [UInt8](unsafeUninitializedCapacity: ProbeEvent.pathLimit) { buffer, initialized in
                length = cinit_next_opened(descriptor, buffer.baseAddress, UInt(ProbeEvent.pathLimit))
                initialized = max(0, length)
            }
            if length < 0, cinit_is_pending(Int32(truncatingIfNeeded: length)) != 0 { return }
            if length < 0 { reportIncomplete(channel) } else if length > 0 { report(path, channel) }
        }
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
