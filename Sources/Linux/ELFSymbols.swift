// The functions that a file imports or exports, as far as they tell what it does with other files at run time.

extension ELF {
    /// A function of the dynamic symbol table that tells what a file does or is.
    public enum Symbol: String, Sendable, CaseIterable {
        // Programs by a shell's text.
        case popen, system, wordexp
        // Programs by a name in PATH.
        case execvp, execlp, execvpe
        case spawnp = "posix_spawnp"
        // Programs by a path.
        case execv, execve, execl, execle, fexecve
        case spawn = "posix_spawn"
        // Conversions between character sets.
        case iconvOpen = "iconv_open"
        // Time zones.
        case localtime, tzset, mktime, strftime
        case localtimeReentrant = "localtime_r"
        case timelocal
        // Interpreters.
        case python = "Py_BytesMain"
        case pythonOld = "Py_Main"
        case perl = "perl_parse"
        case ruby = "ruby_init"
        case php = "php_module_startup"
        case node = "napi_create_function"
        case nodeStart = "_ZN4node5StartEiPPc"
        case java = "JNI_CreateJavaVM"
        case javaLauncher = "JLI_Launch"
        case nginx = "ngx_cycle"

        /// True if a shell runs the text.
        public var takesShellText: Bool { [.popen, .system, .wordexp].contains(self) }
        /// True if a program is looked up in PATH.
        public var searchesPath: Bool { [.execvp, .execlp, .execvpe, .spawnp].contains(self) }
        /// True if a program is run by its path.
        public var takesPath: Bool { [.execv, .execve, .execl, .execle, .fexecve, .spawn].contains(self) }
        /// True if a program is run at all.
        public var runsPrograms: Bool { takesShellText || searchesPath || takesPath }
        /// True if the local time zone is read.
        public var usesTimeZones: Bool {
            [.localtime, .tzset, .mktime, .strftime, .localtimeReentrant, .timelocal].contains(self)
        }
        /// True for a function of an interpreter, whose programs are named by scripts.
        public var isOfInterpreter: Bool {
            switch self {
            case .python, .pythonOld, .perl, .ruby, .php, .node, .nodeStart, .java, .javaLauncher: true
            default: false
            }
        }
    }
}

extension ELFBytes {
    private static let names = Dictionary(
        uniqueKeysWithValues: ELF.Symbol.allCases.map { (Array($0.rawValue.utf8), $0) })
    private static let longest = ELF.Symbol.allCases.map(\.rawValue.utf8.count).max() ?? 0
    private static let maximumCommands = 8192
    private static let maximumText = 255

    /// Returns the known names among the NUL-terminated strings of a string table.
    func symbols(in table: Range<UInt64>) throws(ELF.Fault) -> Set<ELF.Symbol> {
        var found = Set<ELF.Symbol>()
        try forEachString(in: table) { text, _ in
            if text.count <= Self.longest, let symbol = Self.names[Array(text)] { found.insert(symbol) }
            return found.count < Self.names.count
        }
        return found
    }

    /// Returns the C strings of read-only data that may be commands or names of character sets, each once.
    ///
    /// A command begins with a lower-case letter or a slash; a character set is a word of capitals and digits.
    func commandTexts(in segments: [ELF.Segment], without names: Range<UInt64>) throws(ELF.Fault) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var seen = Set<[UInt8]>()
        for segment in Self.dataSegments(segments) {
            guard let range = range(segment.offset, segment.fileSize) else { continue }
            try forEachString(in: range) { text, place in
                if !names.contains(place), Self.mayBeCommand(text), seen.insert(Array(text)).inserted {
                    found.append(Array(text))
                }
                return found.count < Self.maximumCommands
            }
        }
        return found
    }

    /// Returns the read-only segments; without code, if the linker separated it from data.
    private static func dataSegments(_ segments: [ELF.Segment]) -> [ELF.Segment] {
        let readOnly = segments.filter { $0.isLoaded && !$0.isWritable }
        let data = readOnly.filter { $0.flags & 1 == 0 }
        return Array((data.count > 1 ? data : readOnly).prefix(64))
    }

    private static func mayBeCommand(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count >= 2, let first = text.first else { return false }
        switch first {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "/"), UInt8(ascii: "A")...UInt8(ascii: "Z"): break
        default: return false
        }
        return text.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    }

    /// Calls `body` with each string up to a NUL and its offset, until that returns false; longer ones are left out.
    private func forEachString(
        in range: Range<UInt64>, _ body: (ArraySlice<UInt8>, UInt64) -> Bool
    ) throws(ELF.Fault) {
        let window: UInt64 = 1 << 20
        var position = range.lowerBound
        while position < range.upperBound {
            let part = try bytes(position..<min(position + window, range.upperBound))
            var start = 0
            while let end = part[start...].firstIndex(of: 0) {
                if end > start, end - start <= Self.maximumText, !body(part[start..<end], position + UInt64(start)) {
                    return
                }
                start = end + 1
            }
            // A string across the end of the window is read again from its start, unless it is too long.
            let rest = part.count - start
            position += UInt64(rest <= Self.maximumText && start > 0 ? start : part.count)
        }
    }
}
