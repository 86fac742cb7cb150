internal import Linux

/// A file of the image that took part in a start.
struct WorkFile: Sendable, Hashable {
    /// Its path, safe for a terminal.
    let path: String
    /// The layer that has it; nil for a file that the program made.
    var layer: Int?
    /// The package that owns it; nil for none.
    var package: String?
}

/// One part of a start's processor time.
struct WorkPart: Sendable, Hashable {
    /// The process, such as `python3 (7)`, and the name of its program.
    let process: String
    let program: String
    /// The file that the thread opened before: with samples only an interpreter's module.
    let module: WorkFile?
    /// The executable file that has the code; nil for code that no file has, and without samples.
    var object: WorkFile?
    /// The function of ``object``; nil if it has no symbol there.
    var function: String?
    /// True if the kernel ran on behalf of the code.
    var isKernel = false
    /// True if the part is known by samples; else the time between two opened files counts.
    var isSampled = true
    var milliseconds: Double

    /// The frames of a stack, outermost first.
    var frames: [String] {
        [process, module?.path, codeFrame, function, isKernel ? Self.kernelFrame : nil].compactMap(\.self)
    }

    /// The frames by package, and by layer.
    func frames(by group: String) -> [String] {
        [group, module?.path ?? object?.path ?? process, module == nil ? nil : codeFrame, function].compactMap(\.self)
            + (isKernel ? [Self.kernelFrame] : [])
    }

    /// The file that the part belongs to: the module, else the code.
    var file: WorkFile? { module ?? object }

    private var codeFrame: String? {
        object?.path ?? (isSampled ? "code without a file" : module == nil ? "before the first file" : nil)
    }

    private static let kernelFrame = "[kernel]"

    /// The same part without its time, by which parts are joined.
    fileprivate var identity: WorkPart {
        var part = self
        part.milliseconds = 0
        return part
    }
}

extension [WorkPart] {
    /// The parts with equal ones joined, the largest first.
    var joined: [WorkPart] {
        var sums: [WorkPart: Double] = [:]
        for part in self { sums[part.identity, default: 0] += part.milliseconds }
        return sums.map { part, milliseconds in
            var part = part
            part.milliseconds = milliseconds
            return part
        }.sorted { a, b in
            a.milliseconds != b.milliseconds
                ? a.milliseconds > b.milliseconds : a.frames.lexicographicallyPrecedes(b.frames)
        }
    }
}
