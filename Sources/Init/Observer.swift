import CInit

/// Tells the host which files of the image are opened, each once, without anybody noticing.
struct Observer {
    let descriptor: Int32
    private var paths = PathSet()
    private var isComplete = true

    /// Follows the file system that is mounted at `/`, and no other.
    init() throws(Message.Failure) {
        descriptor = withCString(bytes("/")) { cinit_observe($0) }
        try check(.orders, [], descriptor)
    }

    /// What to wait for.
    var watch: cinit_watch { cinit_watch(descriptor: descriptor, wanted: Int16(cinit_readable), ready: 0) }

    /// Tells all that was opened until now. A program that never stops opening files does not keep init from its work.
    mutating func drain(to link: Link) {
        for _ in 0..<PathSet.limit {
            var length = 0
            let path = [UInt8](unsafeUninitializedCapacity: Told.pathLimit) { buffer, initialized in
                length = cinit_next_opened(descriptor, buffer.baseAddress, UInt(Told.pathLimit))
                initialized = max(0, length)
            }
            if length < 0, cinit_is_pending(Int32(truncatingIfNeeded: length)) != 0 { return }
            if length < 0 { overlook(link) } else if length > 0 { tell(path, link) }
        }
    }

    private mutating func tell(_ path: [UInt8], _ link: Link) {
        switch paths.insert(path) {
        case .new: link.send(.told(.opened(path)))
        case .known: break
        case .full: overlook(link)
        }
    }

    private mutating func overlook(_ link: Link) {
        if isComplete { link.send(.told(.overlooked)) }
        isComplete = false
    }
}
