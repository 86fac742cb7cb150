import Glibc

/// The facts about a running process in /proc.
public struct ProcessView: Sendable {
    /// The process's number.
    public let number: Int32

    /// Makes a view of a process, which may exit at any time.
    public init(_ number: Int32) { self.number = number }

    /// True if the process exists and has not exited.
    public var isRunning: Bool {
        guard let state = status["State"] else { return false }
        return !state.hasPrefix("Z") && !state.hasPrefix("X")
    }

    /// The lines of its `status` file.
    public var status: [String: String] { Self.status("/proc/\(number)/status") }

    /// The lines of the `status` file of each thread.
    public var threads: [[String: String]] {
        Self.names("/proc/\(number)/task").map { Self.status("/proc/\(number)/task/\($0)/status") }
    }

    /// The targets of its descriptors.
    public var descriptors: [String] {
        Self.names("/proc/\(number)/fd").compactMap { Self.link("/proc/\(number)/fd/\($0)") }
    }

    /// Returns the namespaces of these kinds that it shares with this process.
    public func shared(_ kinds: [String]) -> [String] {
        kinds.filter { Self.link("/proc/\(number)/ns/\($0)") == Self.link("/proc/self/ns/\($0)") }
    }

    /// The names in its root directory.
    public var root: [String] { Self.names("/proc/\(number)/root").sorted() }

    /// Returns a limit, by its name in /proc: soft and hard value.
    public func limit(_ name: String) -> String? {
        let line = Self.text("/proc/\(number)/limits").split(separator: "\n").first { $0.hasPrefix(name) }
        return line.map { $0.dropFirst(name.count).split(separator: " ").prefix(2).joined(separator: " ") }
    }

    /// Returns the children of `parent` whose program is called `name`, of which /proc has 15 letters.
    public static func children(of parent: Int32, named name: String) -> [ProcessView] {
        names("/proc").compactMap { Int32($0) }.map { ProcessView($0) }.filter {
            let status = $0.status
            return status["PPid"] == "\(parent)" && status["Name"] == String(name.prefix(15))
        }
    }

    /// Returns the processes whose program is called `name`.
    public static func all(named name: String) -> [ProcessView] {
        names("/proc").compactMap { Int32($0) }.map { ProcessView($0) }.filter { $0.status["Name"] == name }
    }

    /// Its arguments.
    public var words: [String] {
        Self.text("/proc/\(number)/cmdline").split(separator: "\0").map(String.init)
    }

    /// Waits until a condition holds, at most `seconds`; returns whether it holds.
    public static func wait(seconds: Int = 30, _ condition: () -> Bool) -> Bool {
        for _ in 0..<(seconds * 50) {
            if condition() { return true }
            usleep(20_000)
        }
        return condition()
    }

    private static func status(_ path: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text(path).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let words = parts[1].split { $0 == "\t" || $0 == " " }
            values[String(parts[0])] = words.joined(separator: " ")
        }
        return values
    }

    private static func text(_ path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func link(_ path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink(path, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func names(_ path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
