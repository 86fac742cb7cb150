// The registers of a virtio-mmio window, version 2 (virtio 1.2, 4.2.2), as a state machine without other effects.

/// The device status field: the progress of the initialization (virtio 1.2, 2.1).
struct DeviceStatus: OptionSet {
    let rawValue: UInt32

    static let acknowledge = DeviceStatus(rawValue: 1)
    static let driver = DeviceStatus(rawValue: 2)
    static let driverOK = DeviceStatus(rawValue: 4)
    static let featuresOK = DeviceStatus(rawValue: 8)
    static let needsReset = DeviceStatus(rawValue: 64)
    static let failed = DeviceStatus(rawValue: 128)
}

/// All registers except the interrupt's, which are not behind the device's lock.
struct VirtioRegisters {
    /// The action that a write requires of the transport.
    enum Effect: Equatable {
        case nothing
        /// The driver is ready; the queues don't change from now on.
        case activate
        case reset
        /// The driver has given up.
        case fail
    }

    struct Queue {
        let maximum: UInt16
        var isReady = false
        var layout = QueueLayout()
    }

    /// The bytes "virt", lowest first.
    static let magic: UInt32 = 0x7472_6976
    /// Our own number: the bytes "thaw".
    static let vendor: UInt32 = 0x7761_6874
    private static let version: UInt32 = 2
    /// The status values of an initialization, exactly in this order.
    static let initializationSteps: [DeviceStatus] = [
        [], [.acknowledge], [.acknowledge, .driver], [.acknowledge, .driver, .featuresOK],
        [.acknowledge, .driver, .featuresOK, .driverOK],
    ]

    let deviceID: UInt32
    let deviceFeatures: UInt64
    var status: DeviceStatus = []
    var driverFeatures: UInt64 = 0
    var queues: [Queue]
    var deviceFeaturesSelector: UInt32 = 0
    var driverFeaturesSelector: UInt32 = 0
    var queueSelector: UInt32 = 0

    init(deviceID: UInt32, deviceFeatures: UInt64, maxima: [UInt16]) {
        self.deviceID = deviceID
        self.deviceFeatures = deviceFeatures
        queues = maxima.map { Queue(maximum: $0) }
    }

    /// True if a driver may choose these features.
    func accepts(_ features: UInt64) -> Bool {
        features & ~deviceFeatures == 0 && features & VirtioFeature.version1 != 0
    }

    // MARK: Reading

    func read(_ offset: UInt64) -> UInt32 {
        switch offset {
        case VirtioMMIO.magicValue: VirtioRegisters.magic
        case VirtioMMIO.version: VirtioRegisters.version
        case VirtioMMIO.deviceID: deviceID
        case VirtioMMIO.vendorID: VirtioRegisters.vendor
        case VirtioMMIO.deviceFeatures: VirtioRegisters.half(deviceFeaturesSelector, of: deviceFeatures)
        case VirtioMMIO.queueNumMax: selectedQueue.map { UInt32($0.maximum) } ?? 0
        case VirtioMMIO.queueReady: selectedQueue?.isReady == true ? 1 : 0
        case VirtioMMIO.status: status.rawValue
        // Shared memory: the length -1 means that there is no region.
        case VirtioMMIO.shmLenLow, VirtioMMIO.shmLenHigh, VirtioMMIO.shmBaseLow, VirtioMMIO.shmBaseHigh: UInt32.max
        default: 0
        }
    }

    private var selectedQueue: Queue? {
        queueSelector < queues.count ? queues[Int(queueSelector)] : nil
    }

    private static func half(_ selector: UInt32, of features: UInt64) -> UInt32 {
        switch selector {
        case 0: UInt32(truncatingIfNeeded: features)
        case 1: UInt32(truncatingIfNeeded: features >> 32)
        default: 0
        }
    }

    // MARK: Writing

    mutating func write(_ offset: UInt64, _ value: UInt32) -> Effect {
        switch offset {
        case VirtioMMIO.deviceFeaturesSel: deviceFeaturesSelector = value
        case VirtioMMIO.driverFeatures: setDriverFeatures(value)
        case VirtioMMIO.driverFeaturesSel: driverFeaturesSelector = value
        case VirtioMMIO.queueSel: queueSelector = value
        case VirtioMMIO.status: return setStatus(to: value)
        case VirtioMMIO.queueNum...VirtioMMIO.queueDeviceHigh: setQueueRegister(offset, value)
        default: break
        }
        return .nothing
    }

    private mutating func setDriverFeatures(_ value: UInt32) {
        guard status == VirtioRegisters.initializationSteps[2] else { return }
        switch driverFeaturesSelector {
        case 0: driverFeatures.replaceLow(value)
        case 1: driverFeatures.replaceHigh(value)
        default: break
        }
    }

    private mutating func setQueueRegister(_ offset: UInt64, _ value: UInt32) {
        guard status == VirtioRegisters.initializationSteps[3], queueSelector < queues.count else { return }
        let index = Int(queueSelector)
        if offset == VirtioMMIO.queueReady { return queues[index].isReady = value == 1 }
        guard !queues[index].isReady else { return }
        switch offset {
        case VirtioMMIO.queueNum: queues[index].layout.size = value
        case VirtioMMIO.queueDescLow: queues[index].layout.descriptors.replaceLow(value)
        case VirtioMMIO.queueDescHigh: queues[index].layout.descriptors.replaceHigh(value)
        case VirtioMMIO.queueDriverLow: queues[index].layout.available.replaceLow(value)
        case VirtioMMIO.queueDriverHigh: queues[index].layout.available.replaceHigh(value)
        case VirtioMMIO.queueDeviceLow: queues[index].layout.used.replaceLow(value)
        case VirtioMMIO.queueDeviceHigh: queues[index].layout.used.replaceHigh(value)
        default: break
        }
    }

    /// Moves one step on, resets, or fails the device; ignores any other value.
    private mutating func setStatus(to value: UInt32) -> Effect {
        let wanted = DeviceStatus(rawValue: value)
        if wanted.isEmpty { return .reset }
        if wanted.contains(.failed) {
            status.insert(.failed)
            return .fail
        }
        guard let step = VirtioRegisters.initializationSteps.firstIndex(of: status),
            step + 1 < VirtioRegisters.initializationSteps.count,
            wanted == VirtioRegisters.initializationSteps[step + 1],
            wanted != VirtioRegisters.initializationSteps[3] || accepts(driverFeatures)
        else { return .nothing }
        status = wanted
        return wanted.contains(.driverOK) ? .activate : .nothing
    }

    /// Returns to the state after power-on.
    mutating func reset() {
        self = VirtioRegisters(deviceID: deviceID, deviceFeatures: deviceFeatures, maxima: queues.map(\.maximum))
    }
}

extension UInt64 {
    fileprivate mutating func replaceLow(_ value: UInt32) {
        self = self & 0xFFFF_FFFF_0000_0000 | UInt64(value)
    }

    fileprivate mutating func replaceHigh(_ value: UInt32) {
        self = self & 0xFFFF_FFFF | UInt64(value) << 32
    }
}
