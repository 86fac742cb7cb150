// The memory map that firmware would report (ACPI 6.5, 15.4; Linux's e820).

/// A range of guest addresses and its kind.
struct PhysicalRange: Hashable, Sendable {
    /// The number of the kind in e820 and PVH (ACPI 6.5, 15; Linux, asm/e820/types.h).
    enum Kind: UInt32, Sendable {
        /// E820_TYPE_RAM.
        case memory = 1
        /// E820_TYPE_RESERVED.
        case reserved = 2
        /// E820_TYPE_PRAM: memory that keeps its content; Linux makes a pmem device of it.
        case persistent = 12
    }

    let start: UInt64
    let byteCount: UInt64
    let kind: Kind

    /// The first address after it; the map's limits keep the sum from overflowing.
    var end: UInt64 { start + byteCount }
}

/// All ranges of a machine, in ascending order and without overlaps.
struct PhysicalMap: Hashable, Sendable {
    /// The upper bound of all addresses: today's processors support at least 2^46.
    static let limit: UInt64 = 1 << 46

    private(set) var ranges: [PhysicalRange]
    /// The end of RAM below the hole.
    let lowEnd: UInt64

    init(memoryBytes: UInt64, persistent: [PersistentMemory]) throws(MachineError) {
        guard memoryBytes > BootLayout.highMemory, memoryBytes < Self.limit else {
            throw .impossible("\(memoryBytes) bytes of memory are outside the supported range")
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
        guard isPlaced, memory.start.isMultiple(of: 2 << 20), memory.byteCount.isMultiple(of: GuestMemory.page) else {
            throw .impossible("persistent memory must begin at a multiple of 2 MiB and have whole pages")
        }
        let range = PhysicalRange(start: memory.start, byteCount: memory.byteCount, kind: .persistent)
        let hole = GuestMemory.hole..<GuestMemory.highStart
        guard range.end <= hole.lowerBound || range.start >= hole.upperBound,
            ranges.allSatisfy({ range.end <= $0.start || range.start >= $0.end })
        else { throw .impossible("persistent memory at \(hexadecimal(memory.start)) overlaps other memory") }
        ranges.append(range)
    }
}

/// Memory with initial content, `/dev/pmem0` and so on in the guest.
struct PersistentMemory: Hashable, Sendable {
    let start: UInt64
    let byteCount: UInt64
}

/// Formats an address, such as `0xfee00000`.
func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

/// Formats a size in MiB for messages, rounded up.
func mebibytes(_ byteCount: UInt64) -> String { "\(byteCount / (1 << 20) + (byteCount % (1 << 20) == 0 ? 0 : 1)) MiB" }
