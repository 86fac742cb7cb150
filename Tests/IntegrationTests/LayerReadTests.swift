import Harness
import Testing

/// The number of times that commands open the layers of an image, counted by the kernel (inotify).
@Suite struct LayerReadTests {
    /// Runs a program and prints how often it opened each file of a directory.
    private static let counter = """
        import collections, ctypes, os, struct, subprocess, sys
        libc = ctypes.CDLL(None, use_errno=True)
        watch = libc.inotify_init1(os.O_NONBLOCK)
        # The closings keep the kernel from joining two openings into one event.
        OPEN, CLOSE_NOWRITE = 0x20, 0x10
        if libc.inotify_add_watch(watch, sys.argv[1].encode(), OPEN | CLOSE_NOWRITE) < 0:
            sys.exit("inotify_add_watch")
        status = subprocess.run(sys.argv[2:], stdout=sys.stderr).returncode
        counts = collections.Counter()
        while True:
            try:
                events = os.read(watch, 1 << 20)
            except BlockingIOError:
                break
            while events:
                _, mask, _, length = struct.unpack("iIII", events[:16])
                name, events = events[16:16 + length].rstrip(b"\\0").decode(), events[16 + length:]
                counts[name] += bool(mask & OPEN)
        for name, count in counts.items():
            if name:  # an event without a name is the directory's own
                print(name, count)
        sys.exit(status)
        """

    /// A store that has only the image `app`, and no unpacked layer or index of it.
    private static let original = Result {
        let maker = try TestDirectory.withBusybox()
        try maker.build(
            """
            FROM busybox
            RUN mkdir /www && echo hello >/www/index.html
            RUN echo more >/www/more
            CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
            """)
        try maker.succeed("copy", "app", "oci:\(maker.path)/layout:app")
        let directory = try TestDirectory()
        try directory.succeed("copy", "oci:\(maker.path)/layout:app", "app")
        return directory
    }

    @Test(
        "optimize and slim open each layer of the original at most twice in all",
        arguments: [
            "optimize --progress quiet --include '/www/**' --probe http:8080/ --engine container -o report app",
            "slim --include '/www/**' --probe http:8080/ --engine container -t slim app",
        ])
    func openings(command: String) throws {
        let directory = try TestDirectory(copying: Self.original.get())
        try directory.write("counter.py", Self.counter)
        let output = try Program.shell(
            "python3 counter.py store/blobs/sha256 '\(Binary.path)' --store store \(command)", in: directory.path)
        var counts: [String: Int] = [:]
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ")
            // The directory itself has no name.
            if words.count == 2 { counts["sha256:\(words[0])"] = Int(words[1]) }
        }
        let layers = try Inspection("app", in: directory).manifest["layers"].list.compactMap(\.["digest"].text)
        #expect(!layers.isEmpty)
        for layer in layers { #expect((1...2).contains(counts[layer] ?? 0), "\(layer): \(counts[layer] ?? 0)") }
    }
}
