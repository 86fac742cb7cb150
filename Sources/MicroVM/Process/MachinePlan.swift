internal import Linux

/// The machine that a process has to make, besides the files that the process is started with.
struct MachinePlan: Equatable {
    /// The numbers of the descriptors that every machine's process has.
    enum Number {
        static let control: Int32 = 0
        static let doorbell: Int32 = 1
        static let stderr: Int32 = 2
        static let kvm: Int32 = 3
        /// A kernel, or a snapshot.
        static let source: Int32 = 4
        /// The first of the optional descriptors, which follow in the order of ``OptionalDescriptors``.
        static let first: Int32 = 5
    }

    /// Descriptors that only some machines have.
    struct OptionalDescriptors: OptionSet, Equatable {
        let rawValue: UInt8

        static let initramfs = OptionalDescriptors(rawValue: 1 << 0)
        static let root = OptionalDescriptors(rawValue: 1 << 1)
        static let vsock = OptionalDescriptors(rawValue: 1 << 2)
        static let network = OptionalDescriptors(rawValue: 1 << 3)
        static let snapshot = OptionalDescriptors(rawValue: 1 << 4)
        static let all: [OptionalDescriptors] = [.initramfs, .root, .vsock, .network, .snapshot]
    }

    var isRestored: Bool
    var hasNamespaces: Bool
    var identity: SpareUser?
    var optional: OptionalDescriptors
    var isRootMemory: Bool
    var memoryBytes: UInt64
    var processors: Int
    var commandLine: [UInt8]

    /// The number of a descriptor; `nil` if this machine doesn't have it.
    func number(of wanted: OptionalDescriptors) -> Int32? {
        guard optional.contains(wanted) else { return nil }
        let before = OptionalDescriptors.all.prefix { $0 != wanted }.count { optional.contains($0) }
        return Number.first + Int32(before)
    }

    var bytes: [UInt8] {
        var writer = StateWriter()
        for flag in [isRestored, hasNamespaces, isRootMemory, identity != nil, identity?.emptiesGroups == true] {
            writer.put(UInt8(flag ? 1 : 0))
        }
        writer.put(identity?.user ?? 0)
        writer.put(identity?.group ?? 0)
        writer.put(optional.rawValue)
        writer.put(memoryBytes)
        writer.put(UInt32(processors))
        writer.put(commandLine)
        return writer.bytes
    }

    init(reading reader: inout StateReader) throws(MachineError) {
        func flag(_ reader: inout StateReader) throws(MachineError) -> Bool { try reader.number(UInt8.self) != 0 }
        isRestored = try flag(&reader)
        hasNamespaces = try flag(&reader)
        isRootMemory = try flag(&reader)
        let (isOther, emptiesGroups) = (try flag(&reader), try flag(&reader))
        let (user, group): (UInt32, UInt32) = (try reader.number(), try reader.number())
        identity = isOther ? SpareUser(user: user, group: group, emptiesGroups: emptiesGroups) : nil
        optional = OptionalDescriptors(rawValue: try reader.number())
        memoryBytes = try reader.number()
        processors = Int(try reader.number(UInt32.self))
        commandLine = try reader.string(limit: 1 << 16)
    }

    init(
        isRestored: Bool, hasNamespaces: Bool, identity: SpareUser?, optional: OptionalDescriptors, isRootMemory: Bool,
        memoryBytes: UInt64, processors: Int, commandLine: [UInt8]
    ) {
        self.isRestored = isRestored
        self.hasNamespaces = hasNamespaces
        self.identity = identity
        self.optional = optional
        self.isRootMemory = isRootMemory
        self.memoryBytes = memoryBytes
        self.processors = processors
        self.commandLine = commandLine
    }
}
