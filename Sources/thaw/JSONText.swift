import Linux
import OCI

extension JSON {
    /// The document as it is printed and written to files, laid out for people: scalars that could steer a terminal are
    /// escapes.
    var text: String { String(decoding: prettyBytes, as: UTF8.self).visibleJSON }

    /// The same in one line.
    var line: String { String(decoding: bytes, as: UTF8.self).visibleJSON }
}
