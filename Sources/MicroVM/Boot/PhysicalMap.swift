// What is RAM and what is not, as firmware would tell it (ACPI 6.5, 15.4; Linux's e820).

/// A range of guest addresses and what it is.
struct PhysicalRange: Hashable, Sendable {
    /// The number that e820 and PVH give it.
    enum Kind: UInt32, Sendable {
        case memory = 1
        case reserved = 2
        /// Memory that keeps its content; Linux makes a pmem device of it.
        case persistent = 12
    }

    let start: UInt64
    let byteCount: UInt64
    let kind: Kind

    /// The first address after it; ranges are made so that this exists.
    var end: UInt64 { start + byteCount }
}

/// All ranges of a machine, in order of address, none on top of another.
struct PhysicalMap: Hashable, Sendable {
    /// No machine has more memory: processors of today address at least 2^46.
    static let limit: UInt64 = 1 << 46

    private(set) var ranges: [PhysicalRange]
    /// RAM below the hole ends here.
    let lowEnd: UInt64

    init(memoryBytes: UInt64, persistent: [PersistentMemory]) throws(MachineError) {
        guard memoryBytes > BootLayout.highMemory, memoryBytes < Self.limit else {
            throw .impossible("a machine cannot have \(memoryBytes) bytes of memory")
        }
        lowEnd = min(memoryBytes, GuestMemory.hole)
        ranges = [
            PhysicalRange(start: 0, byteCount: BootLayout.reserved, kind: .memory),
            PhysicalRange(
                start: BootLayout.reserved, byteCount: BootLayout.highMemory - BootLayout.reserved, kind: .reserved),
            PhysicalRange(start: BootLayout.highMemory, byteCount: lowEnd - BootLayout.highMemory, kind: .memory),
        ]
        if memoryBytes > lowEnd {
            ranges.append(
                PhysicalRange(start: GuestMemory.highStart, byteCount: memoryBytes - lowEnd, kind: .memory))
        }
        for range in persistent { try add(range) }
        ranges.sort { $0.start < $1.start }
    }

    private mutating func add(_ memory: PersistentMemory) throws(MachineError) {
        let isPlaced = memory.start < Self.limit && memory.byteCount > 0 && memory.byteCount < Self.limit
        guard isPlaced, memory.start.isMultiple(of: 2 << 20), memory.byteCount.isMultiple(of: 4096) else {
            throw .impossible("persistent memory begins at a multiple of 2 MiB and has whole pages")
        }
        let range = PhysicalRange(start: memory.start, byteCount: memory.byteCount, kind: .persistent)
        let hole = GuestMemory.hole..<GuestMemory.highStart
        guard range.end <= hole.lowerBound || range.start >= hole.upperBound,
            ranges.allSatisfy({ range.end <= $0.start || range.start >= $0.end })
        else { throw .impossible("persistent memory at \(hexadecimal(memory.start)) is where other memory is") }
        ranges.append(range)
    }
}

/// Memory that a guest finds filled, as `/dev/pmem0` and so on.
struct PersistentMemory: Hashable, Sendable {
    let start: UInt64
    let byteCount: UInt64
}

/// An address as everybody writes it.
func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

/// A size for sentences, rounded up.
func mebibytes(_ byteCount: UInt64) -> String { "\(byteCount / (1 << 20) + (byteCount % (1 << 20) == 0 ? 0 : 1)) MiB" }
