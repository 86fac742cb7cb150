import Glibc
import Linux
import Testing

/// Documents from any source: valid ones keep every digit, and none takes long.
@Suite("JSON")
struct JSONTests {
    private static func parse(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: Array(text.utf8)) }

    @Test(
        "A document is written with sorted keys and unchanged numbers",
        arguments: [
            (
                #" {"b":[1,2.50],"a":null,"c":{"x":true,"y":false}} "#,
                #"{"a":null,"b":[1,2.50],"c":{"x":true,"y":false}}"#
            ),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854775808"), ("1e400", "1e400"), ("-0", "-0"), ("1.0", "1.0"),
            ("0.10000000000000000000000001E+5", "0.10000000000000000000000001E+5"),
            (#""\u0041\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u001f""#, #""Aé😀/\b\f\n\r\t\"\\\u001f""#),
            (#""\ud83d x \ude00 \ud83d\u0041""#, "\"\u{FFFD} x \u{FFFD} \u{FFFD}A\""),
            (#"{"a":1,"a":{"b":2},"a":3}"#, #"{"a":3}"#), ("[]", "[]"), ("{}", "{}"), (" [ [ ] , { } ] ", "[[],{}]"),
            ("{\"e\u{301}\":1,\"\u{e9}\":2}", "{\"e\u{301}\":1,\"\u{e9}\":2}"),
        ])
    func kept(text: String, written: String) throws {
        #expect(String(decoding: try Self.parse(text).bytes, as: UTF8.self) == written)
    }

    @Test(
        "Malformed JSON is rejected with its position",
        arguments: [
            ("", 0), (" ", 1), ("{", 1), ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("{,}", 1), (#"{"a"}"#, 4),
            (#"{"a":}"#, 5), (#"{"a":1,}"#, 7), ("{1:2}", 1), ("01", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2),
            ("-", 1), ("tru", 3), ("nul", 3), ("NaN", 0), ("1 2", 2), ("[1}", 2), ("]", 0), ("\"\u{1}\"", 1),
            ("\"\n\"", 1), (#""\x""#, 2), (#""\u12g4""#, 5), ("\"abc", 4), (#""abc\"#, 5), (#""\ud800\u1""#, 10),
            ("\u{feff}1", 0), ("'a'", 0), ("[1]]", 3), ("//", 0),
        ])
    func refused(text: String, offset: Int) {
        #expect(throws: JSONError.unexpectedByte(offset: offset)) { try Self.parse(text) }
    }

    @Test("A string must be UTF-8", arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]] as [[UInt8]])
    func encoding(bytes: [UInt8]) {
        #expect(throws: JSONError.notUTF8(offset: 2)) { try JSON(parsing: [0x5b, 0x22] + bytes + [0x22, 0x5d]) }
    }

    @Test("512 levels are read and written, one more is rejected")
    func depth() throws {
        let nested = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        #expect(try Self.parse(nested(512)).bytes == Array(nested(512).utf8))
        let error = #expect(throws: JSONError.tooDeep(limit: 512)) { try Self.parse(nested(513)) }
        #expect(try #require(error).description == "its arrays and objects are nested more than 512 deep")
        // Never closed, and far deeper than any stack.
        #expect(throws: JSONError.tooDeep(limit: 512)) { try Self.parse(String(repeating: "[", count: 4 << 20)) }
    }

    @Test("A document with too many values is rejected")
    func values() {
        let many = "[" + String(repeating: "1,", count: 1_000_000) + "1]"
        #expect(throws: JSONError.tooManyValues(limit: 1_000_000)) { try Self.parse(many) }
    }

    @Test("A member is set, changed and removed in place, at any depth")
    func edits() throws {
        var json = try Self.parse(#"{"a":{"b":[1]},"z":1e3}"#)
        json["a"]?["c"] = "new"
        json["a"]?["b"] = nil
        json["d", default: [:]]["e"] = true
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"{"a":{"c":"new"},"d":{"e":true},"z":1e3}"#)
    }

    @Test(
        "Numbers are written in their shortest form",
        arguments: [
            (0, "0"), (1.5, "1.5"), (-2, "-2"), (1e22, "1e+22"), (0.1, "0.1"), (Double.nan, "0"), (.infinity, "0"),
        ])
    func numbers(value: Double, text: String) {
        #expect(JSON.number(value).bytes == Array(text.utf8))
    }

    @Test("The pretty form has lines and indentation")
    func pretty() throws {
        let text = String(decoding: try Self.parse(#"{"b":[1,{}],"a":2}"#).prettyBytes, as: UTF8.self)
        #expect(text == "{\n  \"a\" : 2,\n  \"b\" : [\n    1,\n    {\n\n    }\n  ]\n}\n")
    }

    @Test("Damaged documents are rejected, or survive writing and reading again", arguments: 0..<20)
    func damaged(seed: UInt64) throws {
        var random = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        let letters = Array(#"{}[],:"\u0dtrfalsen1e-+.\#u{e9} "#.utf8)
        let sample = Array(#"{"a":[1,-2.5e3,"x\n\ud83d\ude00"],"b":{"c":null,"d":[true,false,{}]}}"#.utf8)
        for _ in 0..<500 {
            var bytes = sample
            for _ in 0...next(4) { bytes[next(bytes.count)] = letters[next(letters.count)] }
            guard let json = try? JSON(parsing: bytes) else { continue }
            #expect(try JSON(parsing: json.bytes) == json)
        }
    }
}

/// The cost of documents that are made to be expensive.
@Suite("Cost of JSON", .serialized)
struct JSONCostTests {
    private static func repeated(_ unit: String, _ length: Int) -> [UInt8] {
        Array(("[" + String(repeating: unit + ",", count: length / (unit.utf8.count + 1)) + "0]").utf8)
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static func members(_ length: Int) -> [UInt8] {
        Array(("{" + (0..<length / 12).map { "\"k\(100_000 + $0)\":0" }.joined(separator: ",") + "}").utf8)
    }

    private static let shapes: [(name: String, make: @Sendable (Int) -> [UInt8])] = [
        ("nested 400 deep", { repeated(nested(400), $0 / 3) }), ("nested 60 deep", { repeated(nested(60), $0 / 3) }),
        ("many names", { members($0) }),
        (
            "one name",
            {
                Array(
                    ("{"
                        + repeated("\"k\":0", $0).dropFirst().dropLast(2)
                        .text + "\"k\":1}").utf8)
            }
        ),
        ("accents", { Array(("{" + repeated("\"e\u{301}\":0", $0).dropFirst().dropLast(2).text + "\"k\":1}").utf8) }),
        ("escapes", { repeated("\"" + String(repeating: "\\u00e9", count: $0 / 6) + "\"", $0) }),
        ("a long number", { Array(String(repeating: "9", count: $0).utf8) }),
        ("objects", { repeated("{\"\":0}", $0 / 2) }), ("decimals", { repeated("0.1", $0 / 2) }),
    ]

    /// Returns the CPU time of this thread for parsing and releasing a document, in seconds: the least of three.
    private static func cost(_ bytes: [UInt8]) throws -> Double {
        try (0..<3).map { _ in
            let start = now()
            _ = try JSON(parsing: bytes)
            return now() - start
        }.min() ?? 0
    }

    private static func now() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("Four times the bytes cost about four times as much, for any content", arguments: 0..<9)
    func linear(shape: Int) throws {
        let (name, make) = Self.shapes[shape]
        let (small, large) = (try Self.cost(make(1 << 20)), try Self.cost(make(4 << 20)))
        #expect(large < 8 * small, "\(name): \(small) s, then \(large) s")
    }
}

extension ArraySlice<UInt8> {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
