import CInit

/// A command that runs as the image's user, in the image's directory, with the image's environment.
struct ImageCommand {
    let arguments: [[UInt8]]
    let environment: [[UInt8]]
    let directory: [UInt8]
    let identity: Account
    let cgroup: StaticString?
    let openFiles: UInt

    /// The limit of open files in Docker's containers.
    private static let openFileLimit: UInt = 1_048_576

    init(_ arguments: [[UInt8]], of spec: BootSpec) throws(Message.StartFailure) {
        let passwd = contents(of: bytes("/etc/passwd")) ?? []
        let groups = contents(of: bytes("/etc/group")) ?? []
        guard let identity = try? Accounts(passwd: passwd, group: groups).account(of: spec.user) else {
            throw Message.StartFailure(stage: .user, errno: 0, subject: spec.user)
        }
        guard !arguments.isEmpty else { throw Message.StartFailure(stage: .bootSpec, errno: 0, subject: []) }
        self.arguments = arguments
        self.identity = identity
        directory = spec.workingDirectory.isEmpty ? bytes("/") : spec.workingDirectory
        environment = completed(spec.environment, hostname: spec.hostname, home: identity.home)
        cgroup = spec.runtime == .machine ? SystemSetup.cgroup : nil
        openFiles = spec.runtime == .machine ? ImageCommand.openFileLimit : 0
    }

    func start() throws(Message.StartFailure) -> ImageProcess {
        makeDirectories(directory)
        var output: Int32 = -1
        var error: Int32 = -1
        var stage: Int32 = 0
        let process = spawn(output: &output, error: &error, stage: &stage)
        guard process < 0 else { return ImageProcess(process: process, output: output, error: error) }
        switch stage {
        case Int32(cinit_at_directory):
            throw Message.StartFailure(stage: .workingDirectory, errno: UInt32(-process), subject: directory)
        case Int32(cinit_at_identity):
            throw Message.StartFailure(stage: .identity, errno: UInt32(-process), subject: [])
        default: throw Message.StartFailure(stage: .execute, errno: UInt32(-process), subject: arguments[0])
        }
    }

    private func spawn(output: inout Int32, error: inout Int32, stage: inout Int32) -> Int32 {
        let cgroupFile = cgroup.map { bytes($0) + bytes("/cgroup.procs") } ?? bytes("/dev/null")
        let search = value(of: bytes("PATH"), in: environment) ?? []
        return withVector(arguments) { arguments in
            withVector(environment) { environment in
                withCString(search) { search in
                    withCString(directory) { directory in
                        withCString(cgroupFile) { cgroup in
                            identity.groups.withUnsafeBufferPointer { groups in
                                var command = cinit_command(
                                    arguments: arguments, environment: environment, search_path: search,
                                    directory: directory, cgroup: cgroup, user: identity.uid, group: identity.gid,
                                    groups: groups.baseAddress, group_count: UInt(groups.count), open_files: openFiles)
                                return cinit_spawn(&command, &output, &error, &stage)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A process that init started, and the reading ends of its stdout and stderr pipes (-1 once they are closed).
struct ImageProcess {
    let process: Int32
    var output: Int32
    var error: Int32
}

extension ImageProcess {
    private static let pieceLength = 4_096

    /// The watches for the two pipes; `poll` ignores a closed one.
    var watches: [cinit_watch] {
        [
            cinit_watch(descriptor: output, wanted: Int16(cinit_readable), ready: 0),
            cinit_watch(descriptor: error, wanted: Int16(cinit_readable), ready: 0),
        ]
    }

    /// A piece of output with its stream.
    typealias Piece = (stream: Message.Stream, bytes: [UInt8])

    /// Sends one piece of each readable pipe; a pipe at its end is closed.
    mutating func forward(_ watches: ArraySlice<cinit_watch>, to channel: HostChannel) {
        for piece in take(watches) { channel.send(.output(piece.stream, now(), piece.bytes)) }
    }

    /// Reads one piece of each readable pipe; a pipe at its end is closed.
    mutating func take(_ watches: ArraySlice<cinit_watch>) -> [Piece] {
        var pieces: [Piece] = []
        for watch in watches where watch.ready != 0 && watch.descriptor >= 0 {
            let stream: Message.Stream = watch.descriptor == output ? .output : .error
            if let piece = read(watch.descriptor, atMost: ImageProcess.pieceLength), !piece.isEmpty {
                pieces.append((stream, piece))
            } else {
                cinit_close(watch.descriptor)
                if stream == .output { output = -1 } else { error = -1 }
            }
        }
        return pieces
    }

    /// Sends the rest in the pipes, up to a limit, without waiting for other processes that hold them open.
    mutating func drain(to channel: HostChannel) {
        for piece in drain() { channel.send(.output(piece.stream, now(), piece.bytes)) }
    }

    /// Reads the rest in the pipes, up to a limit.
    mutating func drain() -> [Piece] {
        var pieces: [Piece] = []
        for _ in 0..<64 {
            var watches = watches
            let ready = watches.withUnsafeMutableBufferPointer { cinit_poll($0.baseAddress, UInt($0.count), 0) }
            guard ready > 0 else { break }
            pieces += take(watches[...])
        }
        return pieces
    }

    /// Closes the pipes.
    mutating func close() {
        for watch in watches where watch.descriptor >= 0 { cinit_close(watch.descriptor) }
        (output, error) = (-1, -1)
    }
}

/// Adds the variables that Docker sets if the image doesn't.
private func completed(_ environment: [[UInt8]], hostname: [UInt8], home: [UInt8]) -> [[UInt8]] {
    var completed = environment
    let defaults: [(StaticString, [UInt8])] = [
        ("PATH", bytes("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
        ("HOSTNAME", hostname), ("HOME", home),
    ]
    for (name, text) in defaults where value(of: bytes(name), in: environment) == nil {
        completed.append(bytes(name) + bytes("=") + text)
    }
    return completed
}

private func value(of name: [UInt8], in environment: [[UInt8]]) -> [UInt8]? {
    let prefix = name + bytes("=")
    guard let entry = environment.last(where: { $0.starts(with: prefix) }) else { return nil }
    return Array(entry.dropFirst(prefix.count))
}
