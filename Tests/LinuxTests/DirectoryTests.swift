import Linux
import SystemPackage
import Testing

@Suite struct DirectoryTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
    }

    @Test(
        "A path never leaves its root",
        arguments: ["/etc/passwd", "../../../../etc/passwd", "out/passwd", "up/etc/passwd"])
    func staysInRoot(path: String) throws {
        try scratch.directory.makeLink("out", to: "/etc")
        try scratch.directory.makeLink("up", to: "../../../..")
        #expect(throws: SystemError.self) { _ = try scratch.directory.open(FilePath(path)) }
        try scratch.directory.makeDirectories("etc")
        try scratch.write("etc/passwd", "inside")
        #expect(try scratch.read(FilePath(path)) == "inside")
    }

    @Test("Resolution beneath rejects paths that leave the directory", arguments: ["/file", "../x", "link/passwd"])
    func beneath(path: String) throws {
        try scratch.directory.makeLink("link", to: "/etc")
        let strict = try Directory(scratch.path, resolution: .beneath)
        #expect(throws: SystemError("open", scratch.path.appending(FilePath(path).components), Errno(rawValue: 18))) {
            _ = try strict.open(FilePath(path))
        }
    }

    @Test("A replaced file has the new content, and no other file is left")
    func replace() throws {
        try scratch.write("file", "old")
        try scratch.directory.replace("file", with: Array("new".utf8), mode: 0o640)
        #expect(try scratch.read("file") == "new")
        #expect(try scratch.directory.entries().map(\.name) == [Array("file".utf8)])
    }

    @Test("A failed replacement leaves the old file unchanged")
    func failedReplace() throws {
        struct Stop: Error {}
        try scratch.write("file", "old")
        #expect(throws: Stop.self) {
            try scratch.directory.replace("file") { file in
                try file.write(Array("half".utf8))
                throw Stop()
            }
        }
        #expect(try scratch.read("file") == "old")
        #expect(try scratch.directory.entries().count == 1)
    }

    @Test("Names are bytes, sorted as bytes")
    func rawNames() throws {
        let names: [[UInt8]] = [[0xff, 0xfe], [0x61], [0x0a], [0xc3, 0x28]]
        for name in names { try scratch.directory.makeDirectory(FilePath(bytes: name)) }
        #expect(try scratch.directory.entries().map(\.name) == [[0x0a], [0x61], [0xc3, 0x28], [0xff, 0xfe]])
        #expect(FilePath(bytes: [0xff, 0xfe]).bytes == [0xff, 0xfe])
    }

    @Test("A large directory is listed completely")
    func manyNames() throws {
        for number in 0..<1000 { try scratch.directory.makeDirectory(FilePath("entry-with-a-long-name-\(number)")) }
        #expect(try scratch.directory.entries().count == 1000)
    }

    @Test("The status of a link is its own, with nanoseconds")
    func status() throws {
        try scratch.directory.makeLink("link", to: "nowhere")
        let time = FileTime(seconds: 1_000_000_000, nanoseconds: 123_456_789)
        try scratch.directory.setModified(of: "link", time)
        try scratch.directory.setOwner(of: "link", uid: 12, gid: 34)
        let status = try scratch.directory.status(of: "link")
        #expect(status.type == .symbolicLink)
        #expect(status.modified == time)
        #expect([status.uid, status.gid] == [12, 34])
        #expect(try scratch.directory.target(ofLink: "link") == Array("nowhere".utf8))
        #expect(throws: SystemError.self) { try scratch.directory.setMode(of: "link", 0o777) }
    }

    @Test("A whiteout is a device 0:0")
    func whiteout() throws {
        try scratch.directory.makeNode("gone", type: .characterDevice, mode: 0)
        try scratch.directory.makeNode("null", type: .characterDevice, mode: 0o666, major: 1, minor: 3)
        #expect(try scratch.directory.status(of: "gone").isWhiteout)
        let null = try scratch.directory.status(of: "null")
        #expect(!null.isWhiteout)
        #expect([null.major, null.minor] == [1, 3])
    }

    @Test("Attributes of a link are the link's own")
    func attributes() throws {
        try scratch.write("file", "")
        try scratch.directory.makeLink("link", to: "file")
        try scratch.directory.setAttribute("trusted.one", of: "link", to: [1, 0, 2])
        #expect(try scratch.directory.attributeNames(of: "link") == ["trusted.one"])
        #expect(try scratch.directory.attribute("trusted.one", of: "link") == [1, 0, 2])
        #expect(try scratch.directory.attribute("trusted.one", of: "file") == nil)
        #expect(try scratch.directory.attributeNames(of: "file") == [])
    }

    @Test("A last component of '..' is an error")
    func dotDot() throws {
        try scratch.directory.makeDirectory("a")
        #expect(throws: SystemError.self) { try scratch.directory.status(of: "a/..") }
        #expect(throws: SystemError.self) { try scratch.directory.removeTree("a/..") }
        #expect(try scratch.directory.status(of: "/").type == .directory)
    }

    @Test("Reading a FIFO or more than the limit fails and never waits")
    func limits() throws {
        try scratch.directory.makeNode("fifo", type: .fifo, mode: 0o600)
        try scratch.write("file", "12345")
        #expect(throws: SystemError.self) { try scratch.directory.contents(of: "fifo", limit: 10) }
        #expect(throws: SystemError.self) { try scratch.directory.contents(of: "file", limit: 4) }
        #expect(try scratch.directory.contents(of: "file", limit: 5).count == 5)
    }
}

@Suite struct RemoveTreeTests {
    @Test("A tree deeper than PATH_MAX and the descriptor limit is removed")
    func deep() throws {
        let scratch = try TemporaryDirectory()
        try scratch.directory.makeDirectory("top")
        var place = try scratch.directory.directory("top")
        for _ in 0..<1100 {
            try place.makeDirectory("directory")
            try place.makeNode("side", type: .fifo, mode: 0)
            place = Directory(owning: try place.open("directory", [.read, .directory]), path: "deep")
        }
        try scratch.directory.removeTree("top")
        #expect(try scratch.directory.entries() == [])
    }

    @Test("Links are removed, not followed; directories without permissions are removed too")
    func links() throws {
        let scratch = try TemporaryDirectory()
        try scratch.directory.makeDirectories("safe/inner")
        try scratch.directory.makeDirectories("top/closed/in")
        try scratch.directory.makeLink("top/link", to: "../safe")
        try scratch.directory.setMode(of: "top/closed", 0)
        try scratch.directory.removeTree("top")
        #expect(try scratch.directory.exists("safe/inner"))
        #expect(try !scratch.directory.exists("top"))
        try scratch.directory.removeTree("top")
    }

    @Test("Wide trees are removed", arguments: [0, 1, 200])
    func wide(count: Int) throws {
        let scratch = try TemporaryDirectory()
        try scratch.directory.makeDirectory("top")
        for number in 0..<count { try scratch.directory.makeDirectories(FilePath("top/\(number)/a/b")) }
        try scratch.directory.removeTree("top")
        #expect(try scratch.directory.entries() == [])
    }
}
