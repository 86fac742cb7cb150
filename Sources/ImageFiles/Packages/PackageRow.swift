/// A package's row in the database of dpkg or apk.
public struct PackageRow: Sendable {
    /// The row, each line with its newline.
    public let bytes: [UInt8]
    /// The package's name.
    public fileprivate(set) var name = ""
    /// The version, as written.
    public fileprivate(set) var version = ""
    /// The installed size that the database states, in bytes.
    public fileprivate(set) var byteCount: Int64 = 0
    /// The source package and its version, if the database names one.
    public fileprivate(set) var source: (name: String, version: String?)?
    /// The license, if the database has it.
    public fileprivate(set) var license: String?
    /// `amd64`, if the database has it.
    public fileprivate(set) var architecture: String?
    /// The dependencies; one of the names in each list is enough.
    public fileprivate(set) var dependencies: [[String]] = []
    /// Further names of the package.
    public fileprivate(set) var provides: [String] = []
    /// True if every image of its distribution has it.
    public fileprivate(set) var isBase = false
    /// The files and directories that the row lists, only in apk's.
    public fileprivate(set) var paths: [[UInt8]] = []
    fileprivate var isInstalled = true

    /// The paths of apk's database.
    public static let apkPaths = ["lib/apk/db/installed", "usr/lib/apk/db/installed"]

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// Returns the paragraphs of a database, which empty lines separate.
    private static func paragraphs(_ text: [UInt8]) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        var row: [UInt8] = []
        for line in ByteLines(text[...]) {
            if line.isEmpty {
                if !row.isEmpty { rows.append(row) }
                row = []
            } else {
                row += line + [UInt8(ascii: "\n")]
            }
        }
        if !row.isEmpty { rows.append(row) }
        return rows
    }
}

// MARK: - dpkg

extension PackageRow {
    /// Parses the installed packages of dpkg's `status`, or of distroless' `status.d` (deb-control(5)).
    public static func dpkg(_ text: [UInt8]) -> [PackageRow] {
        paragraphs(text).map(PackageRow.init(dpkg:)).filter { $0.isInstalled && !$0.name.isEmpty }
    }

    /// Parses `Field: value` lines; omits continuation lines, which belong to the field before them.
    private init(dpkg bytes: [UInt8]) {
        self.init(bytes: bytes)
        for line in ByteLines(bytes[...]) {
            guard let first = line.first, first != 0x20, first != 0x09,
                let colon = line.firstIndex(of: UInt8(ascii: ":"))
            else { continue }
            read(line[..<colon].text, line[(colon + 1)...].trimmed.text)
        }
        if ["libc6", "libc-bin", "base-files"].contains(name) { isBase = true }
    }

    private mutating func read(_ field: String, _ value: String) {
        switch field {
        case "Package": name = value
        case "Version": version = value
        case "Status": isInstalled = value.hasSuffix(" installed")
        case "Installed-Size": byteCount = min(max(0, Int64(value) ?? 0), 1 << 40) * 1024
        case "Architecture": architecture = value
        case "Source": source = Self.source(value)
        case "Pre-Depends": dependencies = Self.relations(value) + dependencies
        case "Depends": dependencies += Self.relations(value)
        case "Provides": provides = Self.relations(value).flatMap(\.self)
        case "Essential": isBase = isBase || value == "yes"
        case "Priority": isBase = isBase || ["required", "important"].contains(value)
        default: break
        }
    }

    /// Returns the parts of `glibc` or `glibc (2.36-8)`.
    private static func source(_ text: String) -> (name: String, version: String?)? {
        let words = text.split { " ()".contains($0) }.map(String.init)
        return words.first.map { ($0, words.dropFirst().first) }
    }

    /// Returns the names in `a (>= 1) | b, c:any`.
    private static func relations(_ text: String) -> [[String]] {
        text.split(separator: ",").map { group in
            group.split(separator: "|").compactMap { item in
                item.split(whereSeparator: { " (:[\t".contains($0) }).first.map(String.init)
            }
        }
    }
}

// MARK: - apk

extension PackageRow {
    /// Parses apk's database, version 2.
    public static func apk(_ text: [UInt8]) -> [PackageRow] {
        paragraphs(text).map(PackageRow.init(apk:)).filter { !$0.name.isEmpty }
    }

    private init(apk bytes: [UInt8]) {
        self.init(bytes: bytes)
        Self.forEachApkLine(of: bytes) { key, value, path in
            switch key {
            case UInt8(ascii: "P"): name = value.text
            case UInt8(ascii: "V"): version = value.text
            case UInt8(ascii: "A"): architecture = value.text
            case UInt8(ascii: "L"): license = value.text
            case UInt8(ascii: "o"): source = (value.text, nil)
            case UInt8(ascii: "I"): byteCount = max(0, Int64(value.text) ?? 0)
            case UInt8(ascii: "D"): dependencies = Self.words(value).map { [$0] }
            case UInt8(ascii: "p"): provides = Self.words(value)
            default: if let path { paths.append(path) }
            }
        }
        isBase = Self.isApkBase(name)
    }

    /// Returns the names in `so:libc.musl-x86_64.so.1=1 b>=2`.
    private static func words(_ value: ArraySlice<UInt8>) -> [String] {
        value.text.split(separator: " ").map { String($0.prefix { !"=<>~".contains($0) }) }
    }

    private static func isApkBase(_ name: String) -> Bool {
        ["busybox", "alpine-base", "apk-tools", "musl", "libc-utils", "scanelf", "ssl_client", "alpine-keys"].contains(
            name)
            || ["busybox-", "alpine-baselayout", "musl-"].contains { name.hasPrefix($0) }
    }

    /// Calls `body` for each line of apk's row: one letter, a colon, a value; with the path of a file or directory.
    ///
    /// `F:` begins a directory and `R:` a file in it.
    public static func forEachApkLine(
        of row: [UInt8], _ body: (_ key: UInt8, _ value: ArraySlice<UInt8>, _ path: [UInt8]?) -> Void
    ) {
        var directory: [UInt8] = []
        for line in ByteLines(row[...]) where line.dropFirst().first == UInt8(ascii: ":") {
            guard let key = line.first else { continue }
            let value = line.dropFirst(2)
            switch key {
            case UInt8(ascii: "F"):
                directory = Array(value)
                body(key, value, directory)
            case UInt8(ascii: "R"): body(key, value, directory + [UInt8(ascii: "/")] + value)
            default: body(key, value, nil)
            }
        }
    }
}
