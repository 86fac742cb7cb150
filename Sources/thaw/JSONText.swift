import Linux
import OCI

extension JSON {
    /// The indented document, as it is printed and written to files.
    ///
    /// Characters that could control a terminal are escaped.
    var text: String { String(decoding: prettyBytes, as: UTF8.self).visibleJSON }

    /// The document in one line, with the same escapes.
    var line: String { String(decoding: bytes, as: UTF8.self).visibleJSON }
}
