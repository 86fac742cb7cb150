import Harness
import Testing

/// Layers with entry names that no file can have; every command refuses them with the same message.
@Suite struct EntryNameTests {
    static let names: [(name: String, reason: String)] = [
        (".wh...", "is a whiteout that names no file"), (".wh..", "is a whiteout that names no file"),
        ("d/.wh.", "is a whiteout that names no file"), ("", "has no name"), ("../x", "leaves the root"),
    ]

    /// Commands that read layers.
    static let commands: [[String]] = [
        ["inspect", "--verify", "evil"], ["analyze", "evil"], ["diff", "busybox", "evil"], ["slim", "-t", "x", "evil"],
        ["boot", "--engine", "container", "--probe", "tcp:1", "evil"],
        ["build", "--progress", "quiet", "run"], ["build", "--progress", "quiet", "copy"],
        ["build", "--progress", "quiet", "-o", "type=local,dest=out", "from"],
    ]

    @Test("An entry with an impossible name is refused by every command with the same message", arguments: names)
    func refused(name: String, reason: String) throws {
        let directory = try TestDirectory.withBusybox()
        var tar = TarMaker()
        tar.addFile("d/fine", "x")
        tar.addFile(name, "x")
        try LayoutMaker("evil", in: directory).add("evil", layers: [tar.archive], settings: #"{"Cmd":["/d/fine"]}"#)
        try directory.succeed("copy", "oci:evil:evil", "evil")
        try directory.write("run/Dockerfile", "FROM evil\nRUN true\n")
        try directory.write("copy/Dockerfile", "FROM busybox\nCOPY --from=evil /d /d\n")
        try directory.write("from/Dockerfile", "FROM evil\n")
        for words in Self.commands {
            let outcome = try directory.start(words).wait()
            #expect(outcome.status == 1, "\(words)")
            #expect(outcome.error.contains("entry '\(name)' \(reason)\n"), "\(words): \(outcome.error)")
            #expect(outcome.error.contains("the image may be malicious; nothing of it was kept"), "\(words)")
        }
    }

    @Test("An image with odd attributes and devices is a valid base, keeps them, and a note names what RUN lacks")
    func odd() throws {
        let directory = try TestDirectory.withBusybox()
        let script = """
            import tarfile
            tar = tarfile.open('odd.tar', 'w', format=tarfile.PAX_FORMAT)
            file = tarfile.TarInfo('odd')
            file.pax_headers = {'SCHILY.xattr.nonsense': 'x', 'SCHILY.xattr.user.large': 'y' * 100000}
            tar.addfile(file)
            device = tarfile.TarInfo('device')
            device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 999999, 1
            tar.addfile(device)
            tar.close()
            """
        try directory.write("make.py", script)
        try Program.shell("python3 make.py && mkdir context", in: directory.path)
        let layer = try Program.run(["cat", "\(directory.path)/odd.tar"]).bytes
        let busybox = try Program.run(["tar", "-cO", "-C", "/", "--transform", "s,.*,bin/sh,", "bin/busybox"]).bytes
        try LayoutMaker("odd", in: directory).add("odd", layers: [busybox, layer])
        try directory.succeed("copy", "oci:odd:odd", "odd")
        try directory.write(
            "context/Dockerfile", "FROM odd\nRUN echo new >/new; [ -f /device ] && [ -f /odd ] && echo seen\n")
        let outcome = try directory.thaw("build", "--progress", "plain", "-t", "app", "context")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.contains("] seen\n"), "\(outcome.error)")
        let notes = outcome.error.split(separator: "\n").filter { $0.hasPrefix("note: layer ") }
        #expect(notes.count == 1, "\(outcome.error)")
        #expect(notes.first?.contains(" and 2 more can't exist on this system") == true)
        // The layers below are the same blobs.
        let (before, after) = (try Inspection("odd", in: directory), try Inspection("app", in: directory))
        #expect(after.manifest["layers"].list.prefix(2) == before.manifest["layers"].list[...])
        #expect(try directory.thaw("inspect", "--verify", "app").status == 0)
    }
}
