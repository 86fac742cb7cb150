import CInit

extension Message.StartFailure: Error {}

/// The guest's clocks now.
func now() -> GuestTime { GuestTime(nanoseconds: cinit_monotonic(), cycles: cinit_cycles()) }

/// Passes bytes to C as a NUL-terminated string; bytes after an embedded NUL are lost.
func withCString<Result>(_ text: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    var terminated = text
    terminated.append(0)
    return terminated.withUnsafeBytes { buffer in
        body(buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self))
    }
}

/// Passes a list of strings to C as a vector for `execve`.
func withVector<Result>(
    _ list: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var storage: [CChar] = []
    var offsets: [Int] = []
    for text in list {
        offsets.append(storage.count)
        for byte in text { storage.append(CChar(bitPattern: byte)) }
        storage.append(0)
    }
    storage.append(0)
    return storage.withUnsafeMutableBufferPointer { buffer in
        let base = buffer.baseAddress.unsafelyUnwrapped
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        for offset in offsets { pointers.append(base + offset) }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

/// Reads a whole file, up to `limit` bytes; `nil` if it can't be read.
func contents(of path: [UInt8], limit: Int = 4 << 20) -> [UInt8]? {
    let descriptor = withCString(path) { cinit_open($0) }
    guard descriptor >= 0 else { return nil }
    defer { cinit_close(descriptor) }
    var contents: [UInt8] = []
    while contents.count < limit, let piece = read(descriptor, atMost: 65_536), !piece.isEmpty { contents += piece }
    return contents
}

/// Reads the available bytes of a descriptor: empty at its end, `nil` if there are none yet or after an error.
func read(_ descriptor: Int32, atMost capacity: Int) -> [UInt8]? {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
        count = Int(cinit_read(descriptor, buffer.baseAddress, UInt(capacity)))
        initialized = max(0, count)
    }
    return count < 0 ? nil : bytes
}

/// Writes a file after it has removed the old one, which may be a dangling link.
func replace(_ path: StaticString, with contents: [UInt8]) {
    withCString(bytes(path)) { path in
        cinit_remove(path)
        _ = contents.withUnsafeBytes { cinit_write_file(path, $0.baseAddress, UInt($0.count)) }
    }
}

/// Makes a directory and its parents.
func makeDirectories(_ path: [UInt8]) {
    for index in path.indices where index > 0 && path[index] == UInt8(ascii: "/") {
        _ = withCString(Array(path[..<index])) { cinit_make_directory($0, 0o755) }
    }
    _ = withCString(path) { cinit_make_directory($0, 0o755) }
}

/// The channel to the host: frames on a serial port or an open descriptor, or our own machine's doorbell.
enum HostChannel {
    case descriptor(Int32)
    case doorbell

    /// Opens a path, or takes the one digit after `fd:`; `nil` if that fails.
    init?(_ channel: [UInt8]) {
        if channel == bytes(Doorbell.channel) {
            guard cinit_open_doorbell(Doorbell.page, Doorbell.mailbox, Doorbell.mailboxLength) == 0 else { return nil }
            self = .doorbell
            return
        }
        let descriptor: Int32
        if channel.count == 4, channel.starts(with: bytes("fd:")), let digit = number([channel[3]]) {
            descriptor = Int32(digit)
        } else {
            descriptor = withCString(channel) { cinit_open_channel($0) }
        }
        guard descriptor >= 0 else { return nil }
        self = .descriptor(descriptor)
    }

    func send(_ message: Message) {
        let frame = Frame.encode(message.encode())
        frame.withUnsafeBytes { frame in
            switch self {
            case .descriptor(let descriptor): _ = cinit_write(descriptor, frame.baseAddress, UInt(frame.count))
            case .doorbell: cinit_ring(frame.baseAddress, UInt(frame.count))
            }
        }
    }

    /// Pauses until the host resumes the machine, and returns its resume message; only with a doorbell.
    func pauseForSnapshot() -> ResumeInfo? {
        send(.paused)
        let capacity = 4_096
        let reply = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
            initialized = Int(cinit_reply(buffer.baseAddress, UInt(capacity)))
        }
        return ResumeInfo(decoding: reply)
    }

    func mark(_ mark: Message.Mark) { send(.mark(mark, now())) }

    /// Sends the processor time of the image's control group until now; a container has no group of its own here.
    func sendCPUTime(at mark: Message.Mark, of spec: BootSpec) {
        guard spec.runtime == .machine,
            let table = contents(of: bytes(SystemSetup.cgroup) + bytes("/cpu.stat"), limit: 4_096),
            let microseconds = statistic(bytes("usage_usec"), in: table)
        else { return }
        send(.cpuTime(mark, microseconds: microseconds))
    }
}
