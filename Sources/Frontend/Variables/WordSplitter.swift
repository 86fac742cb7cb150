/// The splitter of text at unquoted blanks during expansion.
struct WordSplitter {
    private var words: [String] = []
    private var word: [UInt8] = []

    mutating func add(_ byte: UInt8) {
        if byte.isBlank { flush() } else { word.append(byte) }
    }

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes { add(byte) }
    }

    mutating func addQuoted(_ bytes: [UInt8]) { word += bytes }

    mutating func finished() -> [String] {
        flush()
        return words
    }

    private mutating func flush() {
        if !word.isEmpty { words.append(word.text) }
        word = []
    }
}
