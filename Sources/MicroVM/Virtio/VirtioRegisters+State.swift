internal import Linux

// The registers in a snapshot.

extension VirtioRegisters {
    func save(to writer: inout StateWriter) {
        writer.put(deviceID)
        writer.put(status.rawValue)
        writer.put(driverFeatures)
        for selector in [deviceFeaturesSelector, driverFeaturesSelector, queueSelector] { writer.put(selector) }
        for queue in queues {
            writer.put(queue.isReady ? UInt8(1) : 0)
            writer.put(queue.layout.size)
            for address in [queue.layout.descriptors, queue.layout.available, queue.layout.used] { writer.put(address) }
        }
    }

    /// Restores the state that ``save(to:)`` wrote for the same device, if a driver could have caused it.
    mutating func restore(from reader: inout StateReader) throws(MachineError) {
        reset()
        guard try reader.number() == deviceID else { throw .brokenSnapshot("it has another device in this place") }
        status = DeviceStatus(rawValue: try reader.number())
        driverFeatures = try reader.number()
        deviceFeaturesSelector = try reader.number()
        driverFeaturesSelector = try reader.number()
        queueSelector = try reader.number()
        for index in queues.indices {
            queues[index].isReady = try reader.number(UInt8.self) != 0
            queues[index].layout.size = try reader.number()
            queues[index].layout.descriptors = try reader.number()
            queues[index].layout.available = try reader.number()
            queues[index].layout.used = try reader.number()
        }
        guard VirtioRegisters.initializationSteps.contains(status.subtracting([.needsReset, .failed])) else {
            throw .brokenSnapshot("no device has the status \(status.rawValue)")
        }
        guard accepts(driverFeatures) || !status.contains(.featuresOK) else {
            throw .brokenSnapshot("its driver has features that are not offered")
        }
    }
}
