// The steps of a container's two children, and the memory that they use.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The steps of the children before the command, each with the text of its error.
///
/// The outer child does the steps up to ``beginInner()``, the inner child the others. Strings are copied once, when a
/// step is added, and freed with the script: the children allocate nothing.
@safe struct SetupScript: ~Copyable {
    private(set) var steps: [clinux_step] = unsafe []
    private var outerCount = 0
    private var words: [(operation: String, path: FilePath?)] = []
    private var copies: [UnsafeMutableRawPointer?] = unsafe []

    deinit {
        for index in unsafe copies.indices { unsafe free(copies[index]) }
    }

    /// Adds all further steps to the inner child.
    mutating func beginInner() {
        outerCount = words.count
    }

    /// Adds a step; its error reads `operation` on `path`.
    mutating func add<Kind: BinaryInteger>(
        _ kind: Kind, operation: String, path: String? = nil, source: String? = nil, type: String? = nil,
        data: String? = nil, descriptor: Int32 = -1, mode: UInt32 = 0, flags: UInt64 = 0, more: UInt64 = 0,
        list: [UInt32] = []
    ) {
        var step = unsafe clinux_step()
        unsafe step.kind = Int32(kind)
        unsafe step.descriptor = descriptor
        unsafe step.mode = mode
        unsafe step.flags = flags
        unsafe step.more = more
        unsafe step.path = copy(path)
        unsafe step.source = copy(source)
        unsafe step.type = copy(type)
        unsafe step.data = copy(data)
        unsafe step.list = copy(list)
        unsafe steps.append(step)
        words.append((operation, path.map { FilePath($0) }))
    }

    /// Returns the failure of step `number` as a system error.
    func failure(of number: Int, _ errno: Errno) -> SystemError {
        guard words.indices.contains(number) else { return SystemError("start a container", nil, errno) }
        return SystemError(words[number].operation, words[number].path, errno)
    }

    /// Makes an array of C strings with a final nil, which exists as long as the script.
    mutating func vector(_ strings: [String]) -> UnsafePointer<UnsafeMutablePointer<CChar>?> {
        let result = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { unsafe result[index] = unsafe strdup(string) }
        unsafe result[strings.count] = nil
        for index in strings.indices { unsafe copies.append(UnsafeMutableRawPointer(result[index])) }
        unsafe copies.append(UnsafeMutableRawPointer(result))
        return unsafe UnsafePointer(result)
    }

    /// Makes a C string that exists as long as the script.
    mutating func copy(_ string: String?) -> UnsafePointer<CChar>? {
        guard let string else { return nil }
        let copy = unsafe strdup(string)
        unsafe copies.append(UnsafeMutableRawPointer(copy))
        return unsafe UnsafePointer(copy)
    }

    private mutating func copy(_ list: [UInt32]) -> UnsafePointer<UInt32>? {
        let size = max(list.count, 1) * MemoryLayout<UInt32>.stride
        guard let memory = unsafe malloc(size) else { return nil }
        unsafe copies.append(memory)
        let result = unsafe memory.bindMemory(to: UInt32.self, capacity: max(list.count, 1))
        for (index, value) in list.enumerated() { unsafe result[index] = value }
        return unsafe UnsafePointer(result)
    }

    /// Inserts a first step of the inner child, which closes all descriptors but those of its steps and `others`.
    mutating func keep(_ others: [Int32]) {
        let needed = unsafe steps[outerCount...].map { unsafe $0.descriptor } + others
        let list = Set(needed.filter { $0 > 2 }.map { UInt32($0) }).sorted()
        add(clinux_step_keep, operation: "close descriptors", mode: UInt32(list.count), list: list)
        unsafe steps.insert(steps.removeLast(), at: outerCount)
        words.insert(words.removeLast(), at: outerCount)
    }

    /// Clones the children, which do these steps; `child` holds the other settings.
    mutating func begin(
        _ child: inout clinux_child, clonedAt: inout Int64, isSupervised: Bool
    ) throws(SystemError) {
        unsafe child.outer_count = outerCount
        unsafe child.step_count = steps.count
        let code = unsafe steps.withUnsafeBufferPointer { steps in
            unsafe child.steps = steps.baseAddress
            if isSupervised { return unsafe clinux_supervise(&child, &clonedAt) }
            return unsafe clinux_start(&child, &clonedAt)
        }
        if code < 0 { throw SystemError("clone", nil, Errno(rawValue: Glibc.errno)) }
    }
}
