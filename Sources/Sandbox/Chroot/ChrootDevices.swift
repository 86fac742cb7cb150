// The /dev of a command in chroot: device nodes if this process may make and open them, never files in their place.

internal import Glibc
public import Linux
public import SystemPackage

/// A new /dev, made in a work area and moved into the root for one command.
public struct ChrootDevices {
    /// The directory.
    public let directory: Directory
    /// The nodes that could not be made or opened.
    public let missing: [String]

    private static let nodes: [(name: String, minor: UInt32)] = [
        ("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9),
    ]

    /// Makes `dev` in `area`.
    public init(in area: FilePath) throws(SystemError) {
        let parent = try Directory(area)
        try parent.removeTree("dev")
        try parent.makeDirectory("dev", mode: 0o755)
        directory = try parent.directory("dev")
        var missing: [String] = []
        for node in Self.nodes where try !Self.isMade(node.name, major: 1, node.minor, in: directory) {
            missing.append("/dev/\(node.name)")
        }
        // Opening the terminal would fail if the process has none.
        try? Self.make("tty", major: 5, 0, in: directory)
        self.missing = missing
        try directory.makeDirectory("shm")
        try directory.setMode(of: "shm", 0o1777)
        // /dev/fd has only the names of the streams; other descriptors would need /proc.
        try directory.makeDirectory("fd")
        for (number, name) in [("1", "stdout"), ("2", "stderr")] {
            try directory.makeLink(FilePath("fd/\(number)"), to: FilePath("../\(name)"))
        }
    }

    /// Makes a node; true if this process can open it, which a control group or the mount may forbid.
    private static func isMade(
        _ name: String, major: UInt32, _ minor: UInt32, in directory: Directory
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try make(name, major: major, minor, in: directory)
            _ = try directory.open(FilePath(name), .readWrite)
            return true
        } catch {
            let isRefused = [Errno.notPermitted, .permissionDenied, .noSuchAddressOrDevice].contains(error.errno)
            guard isRefused else { throw error }
            if try directory.exists(FilePath(name)) { try directory.remove(FilePath(name)) }
            return false
        }
    }

    private static func make(
        _ name: String, major: UInt32, _ minor: UInt32, in directory: Directory
    ) throws(SystemError) {
        try directory.makeNode(FilePath(name), type: .characterDevice, mode: 0o666, major: major, minor: minor)
        try directory.setMode(of: FilePath(name), 0o666)
    }
}

/// The host name of the machine or container of this process.
enum HostName {
    static var current: String {
        var name = [CChar](repeating: 0, count: 65)
        let code = unsafe gethostname(&name, name.count - 1)
        return code == 0 ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }
}
