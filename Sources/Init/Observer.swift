import CInit

/// Reports each file of the image that is opened to the host, once, invisibly for the image's programs.
struct Observer {
    let descriptor: Int32
    private var paths = PathSet()
    private var isComplete = true

    /// Observes the file system that is mounted at `/`, and no other.
    init() throws(Message.Failure) {
        descriptor = withCString(bytes("/")) { cinit_observe($0) }
        try check(.orders, [], descriptor)
    }

    /// The watch for `poll`.
    var watch: cinit_watch { cinit_watch(descriptor: descriptor, wanted: Int16(cinit_readable), ready: 0) }

    /// Reports all files that were opened until now, up to a limit: a program that never stops must not block init.
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
