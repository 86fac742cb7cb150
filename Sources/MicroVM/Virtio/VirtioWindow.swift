internal import CKVM

/// The windows of all devices side by side, so that one KVM memory slot shows them to the guest.
@safe final class WindowPages: @unchecked Sendable {
    // Sendable because the pages never move; their content is changed by single stores.

    let count: Int
    /// The first page; valid as long as this object exists.
    let base: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        let byteCount = count * VirtioWindow.byteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: VirtioWindow.byteCount)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    deinit {
        unsafe base.deallocate()
    }
}

/// The page that a guest reads of its device, so that a read needs no exit to user space.
///
/// A machine may map this page read-only for the guest, at the address of its window. Then only the guest's writes
/// reach the ``VirtioTransport``. Each word is stored singly, and is right before the store that changed it returns.
@safe final class VirtioWindow {
    static let byteCount = 0x1000
    static let configurationStart = Int(VirtioMMIO.config)
    private static let interruptStatus = Int(VirtioMMIO.interruptStatus)
    /// The registers that depend on earlier writes.
    private static let changingRegisters = [
        VirtioMMIO.deviceFeatures, VirtioMMIO.queueNumMax, VirtioMMIO.queueReady, VirtioMMIO.status,
    ]

    private let pages: WindowPages
    /// The page; valid as long as this object exists.
    let page: UnsafeMutableRawPointer

    /// - Precondition: `index` is below the number of pages.
    init(_ registers: VirtioRegisters, _ pages: WindowPages, index: Int) {
        precondition(index < pages.count)
        self.pages = pages
        unsafe page = pages.base + index * VirtioWindow.byteCount
        for offset in stride(from: UInt64(0), to: VirtioMMIO.config, by: 4) {
            store(registers.read(offset), at: offset)
        }
    }

    private func store(_ word: UInt32, at offset: UInt64) {
        unsafe ckvm_store32(page + Int(offset), word)
    }

    /// Updates the page from registers and configuration space, which is readable once there is a driver.
    func update(_ registers: VirtioRegisters, _ configuration: [UInt8]) {
        for offset in VirtioWindow.changingRegisters { store(registers.read(offset), at: offset) }
        let isReadable = registers.status.contains(.driver)
        for index in configuration.indices {
            let byte = isReadable ? configuration[index] : 0
            unsafe page.storeBytes(of: byte, toByteOffset: VirtioWindow.configurationStart + index, as: UInt8.self)
        }
    }

    /// Copies out of the page, as far as it goes; reads of registers must be whole and aligned.
    func read(_ offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
        for index in buffer.indices { unsafe buffer[index] = 0 }
        guard let base = buffer.baseAddress, offset < VirtioWindow.byteCount else { return }
        let isWhole = buffer.count == 4 && offset.isMultiple(of: 4)
        guard offset >= VirtioWindow.configurationStart || isWhole else { return }
        unsafe ckvm_copy(base, page + Int(offset), min(buffer.count, VirtioWindow.byteCount - Int(offset)))
    }

    // MARK: Interrupts

    /// The unacknowledged interrupt reasons, bits of ``VirtioMMIO/Interrupt``.
    var interruptReasons: UInt32 {
        get { unsafe ckvm_load32(page + VirtioWindow.interruptStatus) }
        set { unsafe ckvm_store32(page + VirtioWindow.interruptStatus, newValue) }
    }

    func addInterruptReasons(_ reasons: UInt32) {
        unsafe ckvm_set32(page + VirtioWindow.interruptStatus, reasons)
    }

    func removeInterruptReasons(_ reasons: UInt32) {
        unsafe ckvm_clear32(page + VirtioWindow.interruptStatus, reasons)
    }
}
