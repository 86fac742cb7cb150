internal import ImageFiles
internal import OCI

/// The scan of one file for secrets: text in UTF-8 or UTF-16, in windows of a mebibyte, or an archive, one level deep.
struct SecretScan: ContentScan {
    private enum SecretForm { case unknown, text, utf16(lowFirst: Bool), archive, ignored }

    private let path: ImagePath
    private let text: SecretText
    private let isForeign: Bool
    private let size: Int64
    private var form = SecretForm.unknown
    /// The bytes that were not searched yet.
    private var buffer: [UInt8] = []
    private var received: Int64 = 0
    /// The second half of a UTF-16 unit follows.
    private var half: UInt8?
    private var line = 1
    private var lines: Set<Int> = []
    private var matches: [TextSearch.Match] = []

    private static let sniffed = 1024
    private static let window = 1 << 20
    /// The longest secret that is found across two windows.
    private static let overlap = 16 << 10
    private static let maximumText: Int64 = 64 << 20
    private static let maximumArchive: Int64 = 16 << 20
    private static let maximumUnpacked: Int64 = 128 << 20
    private static let maximumMatches = 100

    /// Starts the scan of a file; nil for one that can have no secret as text, by its size and name.
    init?(_ path: ImagePath, _ size: Int64, _ text: SecretText) {
        let kind = SecretFileKind(path)
        guard size > 0, kind != .binary, kind != .sample else { return nil }
        (self.path, self.text, self.size) = (path, text, size)
        isForeign = kind == .foreign
    }

    mutating func receive(_ chunk: ArraySlice<UInt8>) {
        if case .ignored = form { return }
        received += Int64(chunk.count)
        take(chunk)
        if case .unknown = form, buffer.count >= min(Self.sniffed, Int(size)) { sniff() }
        switch form {
        case .text, .utf16: while buffer.count >= Self.window + Self.overlap { searchWindow() }
        case .unknown, .archive, .ignored: break
        }
        if received > Self.maximumText { end() }
    }

    mutating func finish() -> [TextSearch.Match] {
        if case .unknown = form { sniff() }
        end()
        return matches
    }

    private mutating func end() {
        switch form {
        case .text, .utf16: search(buffer, before: buffer.count)
        case .archive: searchArchive()
        case .unknown, .ignored: break
        }
        form = .ignored
        buffer = []
    }

    private mutating func take(_ chunk: ArraySlice<UInt8>) {
        guard case .utf16(let lowFirst) = form else {
            buffer += chunk
            return
        }
        for byte in chunk {
            guard let first = half else {
                half = byte
                continue
            }
            half = nil
            let (low, high) = lowFirst ? (first, byte) : (byte, first)
            buffer.append(high == 0 ? low : UInt8(ascii: "?"))
        }
    }

    /// Decides the form by the first bytes.
    private mutating func sniff() {
        let start = buffer.prefix(Self.sniffed)
        if SecretFileKind.isArchive(start) {
            form = isForeign || size > Self.maximumArchive ? .ignored : .archive
        } else if let lowFirst = Self.utf16(start) {
            form = .utf16(lowFirst: lowFirst)
            let bytes = buffer
            buffer = []
            take(bytes[...])
        } else {
            form = start.contains(0) ? .ignored : .text
        }
        if case .ignored = form { buffer = [] }
    }

    /// Returns the order of UTF-16 with a byte order mark, or of mostly ASCII text; nil for other text.
    private static func utf16(_ start: ArraySlice<UInt8>) -> Bool? {
        if start.starts(with: [0xff, 0xfe]) { return true }
        if start.starts(with: [0xfe, 0xff]) { return false }
        guard start.count >= 32 else { return nil }
        let odd = stride(from: 1, to: start.count, by: 2).count { start[$0] == 0 }
        let even = stride(from: 0, to: start.count, by: 2).count { start[$0] == 0 }
        let most = start.count / 2 * 9 / 10
        if even == 0, odd >= most { return true }
        return odd == 0 && even >= most ? false : nil
    }
}

// MARK: - Searching

extension SecretScan {
    /// Searches the first window of the buffer and removes it.
    private mutating func searchWindow() {
        let part = Array(buffer.prefix(Self.window + Self.overlap))
        search(part, before: Self.window)
        line += buffer.prefix(Self.window).count { $0 == UInt8(ascii: "\n") }
        buffer.removeFirst(Self.window)
    }

    /// Searches a text; matches from `limit` on belong to the next window.
    private mutating func search(_ bytes: [UInt8], before limit: Int) {
        add(text.matches(in: bytes, of: path, isForeign: isForeign), in: bytes, before: limit, member: nil)
    }

    private mutating func add(
        _ found: [SecretRules.SecretMatch], in bytes: [UInt8], before limit: Int, member: String?
    ) {
        var added = Set<Int>()
        // In the order of the rules, so that the more specific one names the line.
        for match in found where match.range.lowerBound < limit && matches.count < Self.maximumMatches {
            let number = line + bytes[..<match.range.lowerBound].count { $0 == UInt8(ascii: "\n") }
            let isNew = member == nil ? lines.insert(number).inserted : added.insert(number).inserted
            if isNew { matches.append(TextSearch.Match(rule: match.rule, line: number, member: member)) }
        }
    }

    private mutating func searchArchive() {
        let text = text
        var found: [(String, [UInt8], [SecretRules.SecretMatch])] = []
        NestedFiles.read(in: buffer, limit: Self.window, total: Self.maximumUnpacked) { name in
            found.count < Self.maximumMatches && Self.kind(name, in: path) != nil
        } body: { name, bytes in
            guard let (member, isForeign) = Self.kind(name, in: path), !bytes.prefix(Self.sniffed).contains(0) else {
                return
            }
            let matches = text.matches(in: bytes, of: member, isForeign: isForeign)
            if !matches.isEmpty { found.append((name, bytes, matches)) }
        }
        for (name, bytes, matches) in found { add(matches, in: bytes, before: bytes.count, member: name) }
    }

    /// Returns the path by which a member is judged, and if it is third-party; nil for one that isn't searched.
    ///
    /// A compressed file's only member has the name of the file without its ending.
    private static func kind(_ name: String, in archive: ImagePath) -> (ImagePath, isForeign: Bool)? {
        let own = name == "data" ? archive.name.prefix { $0 != UInt8(ascii: ".") }.text : name
        guard let path = try? ImagePath(entry: Array(own.utf8)), !path.components.isEmpty else { return nil }
        return switch SecretFileKind(path) {
        case .own: (path, false)
        case .foreign: (path, true)
        case .binary, .sample: nil
        }
    }
}

/// The kind of a file, by its path.
enum SecretFileKind {
    /// A file of the image's author.
    case own
    /// A file of third-party software.
    case foreign
    /// A test or documentation of third-party software, which has sample keys.
    case sample
    /// A file without text.
    case binary

    init(_ path: ImagePath) {
        let name = path.name
        if let dot = name.lastIndex(of: UInt8(ascii: ".")), Self.binaryExtensions.contains(name[(dot + 1)...].text) {
            self = .binary
            return
        }
        // Debian makes this key for tests, on each machine anew.
        if name.hasPrefix("ssl-cert-snakeoil") {
            self = .sample
            return
        }
        let components = path.components
        let isForeign =
            Self.installed.contains(where: path.isWithin)
            || components.contains { component in Self.foreignNames.contains { component.elementsEqual($0.utf8) } }
        guard isForeign else {
            self = .own
            return
        }
        let isSample =
            name.hasSuffix("_test.go") || components.dropLast().contains { Self.sampleNames.contains($0.text) }
        self = isSample ? .sample : .foreign
    }

    private static let binaryExtensions: Set<String> = [
        "a", "class", "deb", "gif", "ico", "jpeg", "jpg", "mo", "o", "otf", "png", "pyc", "rpm", "so", "ttf", "whl",
        "woff", "woff2",
    ]
    private static let installed: [ImagePath] = [
        "usr/lib", "usr/share", "usr/local/lib", "usr/local/go", "usr/include", "usr/local/include", "var/lib/dpkg",
        "var/lib/gems", "usr/src", "go/pkg/mod", "root/go/pkg/mod", "root/.cargo/registry", "usr/local/cargo/registry",
    ].compactMap { try? ImagePath($0) }
    private static let foreignNames = ["node_modules", "site-packages", "dist-packages", "vendor"]
    private static let sampleNames: Set<String> = [
        "doc", "docs", "example", "examples", "fixtures", "test", "testdata", "tests", "__tests__", "spec", "man",
    ]

    /// True if a file is an archive, by its first bytes.
    static func isArchive(_ start: ArraySlice<UInt8>) -> Bool {
        let isPacked = magics.contains { start.starts(with: $0) }
        let isTar = start.count > 262 && start[257..<262].elementsEqual("ustar".utf8)
        return isPacked || isTar
    }

    /// The first bytes of zip, gzip, bzip2, xz and zstd.
    private static let magics: [[UInt8]] = [
        [0x50, 0x4b, 3, 4], [0x1f, 0x8b], Array("BZh".utf8), [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x28, 0xb5, 0x2f, 0xfd],
    ]
}
