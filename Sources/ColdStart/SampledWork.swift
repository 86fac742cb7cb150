internal import Guest

/// The samples of the image's processor time at one place.
public struct SampledWork: Sendable, Hashable {
    /// The process, and the name of the program that it ran.
    public let process: UInt32
    public let program: [UInt8]
    /// The source or bytecode that the thread opened last; nil for none.
    public let module: [UInt8]?
    /// The executable file with the code, by its path in the image; nil for code that no file has.
    public let object: [UInt8]?
    /// The offset of the code in ``object``.
    public let offset: UInt64
    /// True if the kernel ran on behalf of that code: a system call, a page fault or an interrupt.
    public let isKernel: Bool
    /// The number of samples.
    public internal(set) var count: Int

    /// Makes a place.
    public init(
        process: UInt32, program: [UInt8], module: [UInt8]?, object: [UInt8]?, offset: UInt64, isKernel: Bool,
        count: Int
    ) {
        (self.process, self.program, self.module, self.object) = (process, program, module, object)
        (self.offset, self.isKernel, self.count) = (offset, isKernel, count)
    }
}

/// A file that an interpreter loads and runs.
public enum InterpretedFile {
    private static let suffixes = [
        ".py", ".pyc", ".js", ".mjs", ".cjs", ".rb", ".php", ".pl", ".pm", ".jar", ".class", ".lua", ".node",
        ".abi3.so",
    ].map { Array($0.utf8) }
    private static let extensionMark = Array(".cpython-".utf8)

    /// True if the file's name is that of a source, bytecode, or an interpreter's own kind of library.
    public static func isModule(_ path: [UInt8]) -> Bool {
        if suffixes.contains(where: { path.suffix($0.count).elementsEqual($0) }) { return true }
        let name = path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
        guard name.suffix(3).elementsEqual(".so".utf8) else { return false }
        return name.indices.contains { name[$0...].starts(with: extensionMark) }
    }
}

extension [SampledWork] {
    /// Places the samples of a guest's records: by process, program, loaded module and code.
    ///
    /// Only processes that init started count, from their first program on, until `end` on the guest's clock.
    init(_ records: PerfRecords, opens: [Message.FileOpen], until end: UInt64) {
        var places = SamplePlaces(opens)
        for event in records.events where event.time <= end { places.take(event) }
        self = places.work
    }
}

/// The state of all processes at one time, and the samples until then.
private struct SamplePlaces {
    private struct Process {
        var program: [UInt8]
        var isImage: Bool
        /// The mappings, the newest last.
        var mappings: [PerfRecords.MappedFile] = []
    }

    private static let initProcess: UInt32 = 1
    private static let mappingLimit = 4_096

    private var processes: [UInt32: Process] = [initProcess: Process(program: [], isImage: false)]
    /// The modules of each thread in the order of time, the next one to be opened last.
    private var modules: [UInt32: [(time: UInt64, path: [UInt8])]] = [:]
    private var opened: [UInt32: [UInt8]] = [:]
    private var counts: [SampledWork: Int] = [:]

    init(_ opens: [Message.FileOpen]) {
        for open in opens.reversed() where InterpretedFile.isModule(open.path) {
            modules[open.thread, default: []].append((open.time.nanoseconds, open.path))
        }
    }

    mutating func take(_ event: PerfRecords.PerfEvent) {
        switch event.kind {
        case .fork(let parent):
            if parent != event.process, let process = processes[parent] { processes[event.process] = process }
        case .name(let name, let isProgram):
            guard isProgram, processes[event.process] != nil, event.process != Self.initProcess else { return }
            processes[event.process] = Process(program: name, isImage: true)
            opened[event.thread] = nil
        case .mapping(let mapping):
            if processes[event.process]?.mappings.count ?? Self.mappingLimit < Self.mappingLimit {
                processes[event.process]?.mappings.append(mapping)
            }
        case .sample(let address, let isKernel): count(event, address, isKernel: isKernel)
        }
    }

    private mutating func count(_ event: PerfRecords.PerfEvent, _ address: UInt64?, isKernel: Bool) {
        guard let process = processes[event.process], process.isImage else { return }
        while let next = modules[event.thread]?.last, next.time <= event.time {
            opened[event.thread] = next.path
            modules[event.thread]?.removeLast()
        }
        let mapping = address.flatMap { address in
            process.mappings.last { $0.start <= address && address - $0.start < $0.byteCount }
        }
        // The kernel writes `//anon` for memory without a file.
        let isFile = mapping?.path.first == UInt8(ascii: "/") && mapping?.path.starts(with: "//".utf8) == false
        let offset = mapping.map { $0.fileOffset &+ ((address ?? 0) - $0.start) } ?? 0
        let place = SampledWork(
            process: event.process, program: process.program, module: opened[event.thread],
            object: isFile ? mapping?.path : nil, offset: isFile ? offset : 0, isKernel: isKernel, count: 0)
        counts[place, default: 0] += 1
    }

    /// The places, with the most samples first.
    var work: [SampledWork] {
        counts.map { place, count in
            var place = place
            place.count = count
            return place
        }.sorted { a, b in
            (b.count, a.process, a.offset) < (a.count, b.process, b.offset)
        }
    }
}
