/// The splits of an instruction into words, each with its offset in the line.
enum Words {
    typealias Piece = (text: String, offset: Int)

    /// True for blanks that separate words of FROM, EXPOSE, COPY, ADD and VOLUME.
    private static func isSeparator(_ byte: UInt8) -> Bool { byte.isBlank && byte != Ascii.newline }

    /// Splits at runs of blanks; quotes have no meaning.
    static func plain(_ bytes: ArraySlice<UInt8>) -> [Piece] {
        var result: [Piece] = []
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(where: isSeparator) ?? bytes.endIndex
            result.append((bytes[start..<end].text, start))
            guard end < bytes.endIndex else { break }
            start = bytes[end...].firstIndex { !isSeparator($0) } ?? bytes.endIndex
        }
        return result
    }

    /// Joins a word `<<` with the next one: `<< EOF` opens a heredoc like `<<EOF`.
    static func joiningHeredocs(_ words: [Piece]) -> [Piece] {
        var result: [Piece] = []
        for word in words {
            guard let last = result.last, last.text.utf8.drop(while: \.isDigit).elementsEqual("<<".utf8) else {
                result.append(word)
                continue
            }
            result[result.count - 1] = (last.text + word.text, last.offset)
        }
        return result
    }

    /// Returns the first word, and the rest after the blanks; nil if there is only one word.
    static func head(_ bytes: ArraySlice<UInt8>) -> (head: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)? {
        guard let end = bytes.firstIndex(where: isSeparator) else { return nil }
        return (bytes[..<end], bytes[end...].drop(while: isSeparator))
    }

    /// Splits at blanks outside quotes; quotes and escapes stay in the words until expansion removes them.
    static func quoted(_ bytes: ArraySlice<UInt8>, escape: UInt8) -> [Piece] {
        var result: [Piece] = []
        var index = bytes.drop(while: \.isBlank).startIndex
        while index < bytes.endIndex {
            let start = index
            let word = quotedWord(in: bytes, at: &index, escape: escape)
            result.append((word, start))
            index = bytes[index...].drop(while: \.isBlank).startIndex
        }
        return result
    }

    private static func quotedWord(in bytes: ArraySlice<UInt8>, at index: inout Int, escape: UInt8) -> String {
        var word: [UInt8] = []
        var quote: UInt8?
        while index < bytes.endIndex {
            let byte = bytes[index]
            if quote == nil, byte.isBlank { break }
            index += 1
            if byte == escape, quote != Ascii.apostrophe {
                guard index < bytes.endIndex else { break }
                word.append(byte)
                word.append(bytes[index])
                index += 1
                continue
            }
            if quote == nil, byte == Ascii.quote || byte == Ascii.apostrophe {
                quote = byte
            } else if byte == quote {
                quote = nil
            }
            word.append(byte)
        }
        return word.text
    }

    /// Returns the leading words that start with `--`, without quotes and escapes, and the text after them.
    static func flags(_ bytes: ArraySlice<UInt8>) -> (flags: [Piece], rest: ArraySlice<UInt8>) {
        var flags: [Piece] = []
        var index = bytes.startIndex
        while true {
            index = bytes[index...].drop(while: \.isBlank).startIndex
            guard bytes[index...].starts(with: [Ascii.dash, Ascii.dash]) else { return (flags, bytes[index...]) }
            let start = index
            let word = flagWord(bytes, &index)
            if word == "--" { return (flags, bytes[index...]) }
            flags.append((word, start))
        }
    }

    private static func flagWord(_ bytes: ArraySlice<UInt8>, _ index: inout Int) -> String {
        var word: [UInt8] = []
        var quote: UInt8?
        while index < bytes.endIndex {
            var byte = bytes[index]
            if quote == nil, byte.isBlank { break }
            index += 1
            if byte == quote {
                quote = nil
                continue
            }
            if quote == nil, byte == Ascii.quote || byte == Ascii.apostrophe {
                quote = byte
                continue
            }
            if byte == Ascii.backslash {
                guard index < bytes.endIndex else { break }
                byte = bytes[index]
                index += 1
            }
            word.append(byte)
        }
        return word.text
    }
}
