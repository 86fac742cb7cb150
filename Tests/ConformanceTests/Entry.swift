/// One path of a tree, in the form of a line of a fixture.
///
/// ```
/// d/ 0700 5:6           directory; by default mode 0755, owner 0:0
/// d/f 0640 "one\n"      file; by default mode 0644, empty; * is any content, in a context that of this machine's file
/// d/l -> ../x           symbolic link
/// d/h == d/f            hard link to the first of its names
/// p fifo, s socket, z char 1:3, b block 7:0
/// f "x" user.a="1" @9   extended attribute; modification time, in seconds
/// - gone                a path of the base that no longer exists
/// ```
struct Entry: Equatable, Sendable {
    /// The type of an entry, with its content.
    enum Kind: Equatable, Sendable {
        case directory, fifo, socket
        /// A file's content; nil for any.
        case file([UInt8]?)
        case symlink([UInt8])
        case hardLink([UInt8])
        case device(String, UInt32, UInt32)
    }

    var path: [UInt8]
    var kind: Kind
    var mode: UInt16 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var seconds: Int64?
    var xattrs: [String: [UInt8]] = [:]

    /// Parses a line of a fixture.
    init(parsing line: String) throws {
        var words = try Self.words(line)[...]
        guard let name = words.popFirst() else { throw FixtureError("no path: \(line)") }
        path = try Escapes.path(name)
        kind = .file([])
        if path.last == UInt8(ascii: "/") { (path, kind) = (path.dropLast(), .directory) }
        var mode: UInt16?
        while let word = words.popFirst() {
            switch word {
            case "->": kind = .symlink(try Escapes.path(words.popFirst() ?? ""))
            case "==": kind = .hardLink(try Escapes.path(words.popFirst() ?? ""))
            case "fifo": kind = .fifo
            case "socket": kind = .socket
            case "*": kind = .file(nil)
            case "char", "block":
                let numbers = (words.popFirst() ?? "").split(separator: ":").compactMap { UInt32($0) }
                guard numbers.count == 2 else { throw FixtureError("no device: \(line)") }
                kind = .device(word, numbers[0], numbers[1])
            default: try read(word, &mode, of: line)
            }
        }
        self.mode = mode ?? Self.usualMode(kind)
    }

    init(_ path: [UInt8], _ kind: Kind, mode: UInt16) { (self.path, self.kind, self.mode) = (path, kind, mode) }

    private mutating func read(_ word: String, _ mode: inout UInt16?, of line: String) throws {
        if word.hasPrefix("0"), let bits = UInt16(word, radix: 8), word.count > 3 {
            mode = bits
        } else if word.hasPrefix("@"), let time = Int64(word.dropFirst()) {
            seconds = time
        } else if word.hasPrefix("\"") {
            kind = .file(try Self.quoted(word))
        } else if let match = word.wholeMatch(of: /([a-z.]+)=(".*")/) {
            xattrs[String(match.1)] = try Self.quoted(String(match.2))
        } else if let match = word.wholeMatch(of: /([0-9]+):([0-9]+)/), let uid = UInt32(match.1),
            let gid = UInt32(match.2)
        {
            (self.uid, self.gid) = (uid, gid)
        } else {
            throw FixtureError("'\(word)' is not understood: \(line)")
        }
    }

    private static func quoted(_ word: String) throws -> [UInt8] { try Escapes.bytes(word.dropFirst().dropLast()) }

    private static func usualMode(_ kind: Kind) -> UInt16 {
        switch kind {
        case .directory: 0o755
        case .symlink: 0o777
        default: 0o644
        }
    }

    /// Splits at blanks outside of quotes.
    private static func words(_ line: String) throws -> [String] {
        var words: [String] = []
        for match in line.matches(of: /(?:[^ "]|"(?:[^"\\]|\\.)*")+/) { words.append(String(match.0)) }
        return words
    }
}

extension Entry: CustomStringConvertible {
    var description: String { text(like: self) }

    /// Returns the line for this entry, without the parts that `other` leaves open.
    func text(like other: Entry) -> String {
        let name = Escapes.text(path)
        if case .hardLink(let first) = kind { return "\(name) == \(Escapes.text(first))" }
        var words = [kind == .directory ? name + "/" : name]
        switch kind {
        case .directory: break
        case .file(let content): words.append(other.kind == .file(nil) ? "*" : content.map(Self.shown) ?? "*")
        case .symlink(let target): words.append("-> \(Escapes.text(target))")
        case .hardLink: break
        case .fifo: words.append("fifo")
        case .socket: words.append("socket")
        case .device(let kind, let major, let minor): words.append("\(kind) \(major):\(minor)")
        }
        words.append("0" + String(mode, radix: 8))
        words.append("\(uid):\(gid)")
        for (name, value) in xattrs.sorted(by: { $0.key < $1.key }) { words.append("\(name)=\(Self.shown(value))") }
        if other.seconds != nil { words.append("@\(seconds ?? 0)") }
        return words.joined(separator: " ")
    }

    private static func shown(_ bytes: [UInt8]) -> String { "\"\(Escapes.text(bytes))\"" }
}
