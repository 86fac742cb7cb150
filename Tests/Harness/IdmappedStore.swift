/// A store on an idmapped mount, which the kernel refuses to map again, as many file systems refuse the first map.
///
/// So `thaw` stores shifted owners in it. The mount maps each ID to itself.
public struct IdmappedStore: Sendable {
    private let directory: TestDirectory

    /// The store of `directory`.
    public init(in directory: TestDirectory) throws {
        self.directory = directory
        try Program.shell("mkdir -p '\(directory.store)'")
        try directory.write("idmap.py", Self.program)
    }

    /// Runs `thaw` in the directory, on the store.
    public func thaw(_ words: String...) throws -> ProgramResult { try thaw(words) }

    /// Runs `thaw` in the directory, on the store.
    public func thaw(_ words: [String]) throws -> ProgramResult {
        try Program.run(
            [
                "unshare", "--mount", "--propagation", "private", "python3", "\(directory.path)/idmap.py",
                directory.store, Binary.path, "--store", directory.store,
            ] + words, in: directory.path)
    }

    /// Makes the mount with open_tree, mount_setattr and move_mount, and executes the rest of its arguments.
    private static let program = """
        import ctypes, os, struct, sys
        libc = ctypes.CDLL(None, use_errno=True)
        def call(number, *arguments):
            result = libc.syscall(number, *arguments)
            if result < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return result
        ready, go = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            assert libc.unshare(0x10000000) == 0
            os.write(ready[1], b'x'); os.read(go[0], 1); os._exit(0)
        os.read(ready[0], 1)
        for name in 'uid_map', 'gid_map': open(f'/proc/{child}/{name}', 'w').write('0 0 4294967295')
        users = os.open(f'/proc/{child}/ns/user', os.O_RDONLY)
        path = os.fsencode(sys.argv[1])
        tree = call(428, -100, path, 1)
        attributes = ctypes.create_string_buffer(struct.pack('=4Q', 0x100000, 0, 0, users))
        call(442, tree, b'', 0x1000, attributes, 32)
        call(429, tree, b'', -100, path, 4)
        os.write(go[1], b'x'); os.waitpid(child, 0)
        os.execv(sys.argv[2], sys.argv[2:])

        """
}
