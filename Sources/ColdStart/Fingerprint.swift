/// The conditions of a start: figures with different ones can't be compared.
public struct Fingerprint: Sendable, Equatable {
    /// One condition.
    public struct StartCondition: Sendable, Equatable {
        /// Its name, such as `memory`.
        public let name: String
        /// Its value, for people.
        public let value: String
    }

    /// The conditions in the order of their addition.
    public private(set) var members: [StartCondition] = []

    /// Makes a fingerprint of these conditions.
    public init(_ members: KeyValuePairs<String, String> = [:]) {
        self.members = members.map { StartCondition(name: $0.key, value: $0.value) }
    }

    /// Adds conditions.
    public mutating func add(_ others: Fingerprint) { members += others.members }

    /// Adds one condition.
    public mutating func add(_ name: String, _ value: String) {
        members.append(StartCondition(name: name, value: value))
    }

    /// Returns the value of a condition.
    public subscript(name: String) -> String? { members.first { $0.name == name }?.value }

    /// Returns the first condition that differs in a later fingerprint, with both values; nil if none does.
    public func difference(to later: Fingerprint) -> String? {
        let names = members.map(\.name) + later.members.map(\.name).filter { self[$0] == nil }
        guard let name = names.first(where: { self[$0] != later[$0] }) else { return nil }
        return "\(name): \(self[name] ?? "none") before, \(later[name] ?? "none") now"
    }
}

extension Scenario {
    /// The conditions that every engine has.
    func fingerprint(engine: String) -> Fingerprint {
        Fingerprint([
            "engine": engine, "memory": "\(memoryBytes >> 20) MiB", "cpus": "\(processors)", "probe": "\(probe)",
        ])
    }
}

extension QemuCommand {
    /// The conditions of QEMU's machine.
    ///
    /// The size of the disk and the measured frequency of the counter belong to the image and the host.
    func fingerprint(_ emulator: String) -> Fingerprint {
        var own = Fingerprint(["qemu": emulator, "machine": machine, "cpu": processorModel])
        let passed = kernelArguments.filter { !$0.hasPrefix("memmap=") && !$0.hasPrefix("tsc_early_khz=") }
        own.add("commandLine", passed.joined(separator: " "))
        if acceleration.isCounted {
            own.add("seed", "1")
            own.add("shift", "0")
        }
        return own
    }

    /// The processor's model, by QEMU's name; of a real processor also its own.
    private var processorModel: String {
        switch acceleration {
        case .kvm: "host, \(HostProcessor.model)"
        case .emulation: "max"
        case .counted: QemuCommand.countedProcessor
        }
    }
}
