/// A maker of ELF files, with one read-only segment that maps the whole file at 0.
///
/// ```
/// header | program headers | interpreter | strings | texts | notes | dynamic section
/// ```
public struct ELFMaker {
    /// True for 64 bits, false for 32.
    public var is64 = true
    /// True for the high byte first.
    public var isBigEndian = false
    /// The machine, by default EM_X86_64.
    public var machine: UInt16 = 62
    /// The path in PT_INTERP.
    public var interpreter: String?
    /// The names in DT_NEEDED.
    public var needed: [String] = []
    /// The name in DT_SONAME.
    public var soname: String?
    /// The path in DT_RPATH.
    public var rpath: String?
    /// The path in DT_RUNPATH.
    public var runpath: String?
    /// The name in DT_FILTER.
    public var filter: String?
    /// The name in DT_AUDIT.
    public var audit: String?
    /// True to set DF_1_NODEFLIB.
    public var ignoresDefaultDirectories = false
    /// Names of functions in the dynamic string table.
    public var symbols: [String] = []
    /// C strings in read-only data.
    public var texts: [String] = []
    /// The JSON of a `.note.dlopen`.
    public var dlopen: String?

    /// Makes a library without needs.
    public init() {}

    /// Makes a library of that name.
    public static func library(_ soname: String, needs needed: [String] = []) -> ELFMaker {
        var maker = ELFMaker()
        maker.soname = soname
        maker.needed = needed
        return maker
    }

    /// Makes a program that glibc's loader starts.
    public static func program(needs needed: [String], interpreter: String = "/lib64/ld-linux-x86-64.so.2") -> ELFMaker
    {
        var maker = ELFMaker()
        maker.interpreter = interpreter
        maker.needed = needed
        return maker
    }

    /// Makes a program of glibc that calls these functions and has these texts.
    public static func program(calling symbols: [String], texts: [String] = []) -> ELFMaker {
        var maker = ELFMaker.program(needs: ["libc.so.6"])
        (maker.symbols, maker.texts) = (symbols, texts)
        return maker
    }

    /// The bytes of the file.
    public var bytes: [UInt8] {
        var strings: [UInt8] = [0]
        func string(_ text: String) -> UInt64 {
            defer { strings += Array(text.utf8) + [0] }
            return UInt64(strings.count)
        }
        var dynamic: [(UInt64, UInt64)] = needed.map { (1, string($0)) }
        for (tag, text) in [(14, soname), (15, rpath), (29, runpath), (0x7fff_ffff, filter), (0x6fff_fefc, audit)] {
            if let text { dynamic.append((UInt64(tag), string(text))) }
        }
        for name in symbols { _ = string(name) }
        if ignoresDefaultDirectories { dynamic.append((0x6fff_fffb, 0x800)) }
        let interpreterBytes: [UInt8] = interpreter.map { Array($0.utf8) + [0] as [UInt8] } ?? []
        let textBytes: [UInt8] = texts.reduce([0]) { $0 + Array($1.utf8) + [0] }
        let noteBytes: [UInt8] = dlopen.map(note) ?? []
        let headerSize = is64 ? 64 : 52
        let start = headerSize + 4 * (is64 ? 56 : 32)
        let stringStart = start + interpreterBytes.count
        let noteStart = (stringStart + strings.count + textBytes.count + 7) & ~7
        let dynamicStart = (noteStart + noteBytes.count + 7) & ~7
        dynamic += [(5, UInt64(stringStart)), (10, UInt64(strings.count)), (0, 0)]
        let table = dynamic.flatMap { word($0.0) + word($0.1) }
        let end = dynamicStart + table.count

        var file = header(count: 4)
        file += segment(1, 0, end)
        file += segment(interpreter == nil ? 0 : 3, start, interpreterBytes.count)
        file += segment(2, dynamicStart, table.count)
        file += segment(dlopen == nil ? 0 : 4, noteStart, noteBytes.count)
        file += interpreterBytes + strings + textBytes
        file += [UInt8](repeating: 0, count: noteStart - file.count) + noteBytes
        file += [UInt8](repeating: 0, count: dynamicStart - file.count) + table
        return file
    }

    private func header(count: Int) -> [UInt8] {
        var bytes: [UInt8] =
            [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isBigEndian ? 2 : 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes += number(3, 2) + number(UInt64(machine), 2) + number(1, 4)
        bytes += word(0x1000) + word(is64 ? 64 : 52) + word(0)
        bytes += number(0, 4) + number(is64 ? 64 : 52, 2) + number(is64 ? 56 : 32, 2) + number(UInt64(count), 2)
        return bytes + number(0, 2) + number(0, 2) + number(0, 2)
    }

    private func segment(_ type: UInt64, _ offset: Int, _ size: Int) -> [UInt8] {
        let (place, length) = (word(UInt64(offset)), word(UInt64(size)))
        if is64 { return number(type, 4) + number(4, 4) + place + place + place + length + length + word(8) }
        return number(type, 4) + place + place + place + length + length + number(4, 4) + word(8)
    }

    private func note(_ text: String) -> [UInt8] {
        let content = Array(text.utf8) + [0]
        let padding = [UInt8](repeating: 0, count: -content.count & 3)
        return number(4, 4) + number(UInt64(content.count), 4) + number(0x407c_0c0a, 4) + Array("FDO\0".utf8) + content
            + padding
    }

    private func word(_ value: UInt64) -> [UInt8] { number(value, is64 ? 8 : 4) }

    private func number(_ value: UInt64, _ size: Int) -> [UInt8] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
        return isBigEndian ? bytes.reversed() : bytes
    }
}
