/// Names of character sets as iconv knows them.
public enum Charset {
    private static let prefixes = [
        "EUC", "SHIFT", "SJIS", "ISO-", "ISO8859", "ISO_", "CP", "IBM", "KOI8", "BIG5", "GB", "UHC", "JOHAB", "MAC",
        "TIS", "TCVN", "VISCII", "UTF-16", "UTF16", "UTF-32", "UTF-7", "UCS", "WINDOWS", "ARMSCII", "GEORGIAN", "HP-",
        "RK1048", "PT154", "LATIN", "US-ASCII", "EBCDIC", "MS",
    ].map { Array($0.utf8) }

    /// True if a word begins like a character set, in either case of letters.
    public static func isLikely(_ word: some Collection<UInt8>) -> Bool {
        guard word.count >= 3 else { return false }
        let upper = word.prefix(8).map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }
        return prefixes.contains { upper.starts(with: $0) }
    }
}
