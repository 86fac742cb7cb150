internal import CLinux

/// Returns the width of the terminal behind a descriptor; nil for another file, and for a terminal without a size.
public func terminalColumns(of descriptor: Int32) -> Int? {
    let columns = Int(clinux_columns(descriptor))
    return columns > 0 ? columns : nil
}
