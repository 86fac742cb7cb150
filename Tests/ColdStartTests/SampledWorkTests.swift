import Guest
import Testing

@testable import ColdStart

/// The samples of processor time that a guest sends.
@Suite struct SampledWorkTests {
    /// Little-endian bytes of a record as the kernel writes it.
    private static func record(_ type: UInt32, misc: UInt16 = 2, _ body: [UInt8]) -> [UInt8] {
        bytes(type) + bytes(misc) + bytes(UInt16(8 + body.count)) + body
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }

    private static func padded(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8) + [0]
        return bytes + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
    }

    private static func trailer(_ process: UInt32, _ time: UInt64) -> [UInt8] {
        bytes(process) + bytes(process) + bytes(time)
    }

    private static func fork(_ child: UInt32, of parent: UInt32, at time: UInt64) -> [UInt8] {
        record(7, bytes(child) + bytes(parent) + bytes(child) + bytes(parent) + bytes(time) + trailer(parent, time))
    }

    private static func program(_ process: UInt32, _ name: String, at time: UInt64) -> [UInt8] {
        record(3, misc: 1 << 13, bytes(process) + bytes(process) + padded(name) + trailer(process, time))
    }

    private static func mapping(_ process: UInt32, _ start: UInt64, _ path: String, at time: UInt64) -> [UInt8] {
        record(
            10,
            bytes(process) + bytes(process) + bytes(start) + bytes(UInt64(0x1000)) + bytes(UInt64(0x400))
                + [UInt8](repeating: 0, count: 32) + padded(path) + trailer(process, time))
    }

    private static func sample(_ process: UInt32, _ address: UInt64, kernel: UInt64? = nil, at time: UInt64) -> [UInt8]
    {
        record(
            9, misc: kernel == nil ? 2 : 1,
            bytes(kernel ?? address) + bytes(process) + bytes(process) + bytes(time) + bytes(UInt64(2)) + bytes(address)
        )
    }

    private static func open(_ path: String, by thread: UInt32, at time: UInt64) -> Message.FileOpen {
        Message.FileOpen(
            thread: thread, time: GuestTime(nanoseconds: time, cycles: 0), processorTime: 0, path: Array(path.utf8))
    }

    private static let records: [UInt8] =
        fork(7, of: 1, at: 10) + sample(7, 0x5010, at: 12) + program(7, "python3", at: 15)
        + mapping(7, 0x5000, "/usr/bin/python3", at: 16) + mapping(7, 0x9000, "//anon", at: 17)
        + sample(7, 0x5010, at: 20) + sample(7, 0x5020, kernel: 0xFFFF_8000, at: 21) + sample(7, 0x9001, at: 22)
        + sample(2, 0x5010, at: 23) + fork(8, of: 7, at: 24) + sample(8, 0x5010, at: 25)
        + sample(7, 0x5010, at: 31) + sample(7, 0x5010, at: 99)

    @Test("Samples belong to a process of the image, a file and an offset, from its first program to the end")
    func places() {
        let opens = [
            Self.open("/etc/hosts", by: 7, at: 18), Self.open("/app/a.pyc", by: 7, at: 30),
            Self.open("/app/b.pyc", by: 7, at: 40),
        ]
        let work = [SampledWork](PerfRecords([Self.records]), opens: opens, until: 50)
        let lines = work.map { place in
            let (module, object) = (place.module, place.object)
            return "\(place.process) \(module.map { String(decoding: $0, as: UTF8.self) } ?? "-") "
                + "\(object.map { String(decoding: $0, as: UTF8.self) } ?? "-") \(place.offset) "
                + "\(place.isKernel ? "kernel" : "user") \(place.count)"
        }
        #expect(
            Set(lines) == [
                "7 - /usr/bin/python3 1040 user 1", "7 - /usr/bin/python3 1056 kernel 1", "7 - - 0 user 1",
                "8 - /usr/bin/python3 1040 user 1", "7 /app/a.pyc /usr/bin/python3 1040 user 1",
            ])
        #expect(work.allSatisfy { $0.program == Array("python3".utf8) })
    }

    @Test("A new program has no mappings of the old one")
    func nextProgram() {
        let records =
            Self.records + Self.program(7, "sh", at: 40) + Self.sample(7, 0x5010, at: 41)
        let work = [SampledWork](PerfRecords([records]), opens: [], until: 50)
        #expect(work.contains { $0.program == Array("sh".utf8) && $0.object == nil && $0.count == 1 })
    }

    @Test("Records of several processors are merged in the order of time")
    func processors() {
        let forks = Self.fork(7, of: 1, at: 10) + Self.program(7, "a", at: 20)
        let work = [SampledWork](PerfRecords([Self.sample(7, 1, at: 30), forks]), opens: [], until: 50)
        #expect(work.map(\.count) == [1])
    }

    @Test("Cut, damaged and random records never trap, and give no more samples than they have bytes for")
    func hostile() {
        for length in 0...Self.records.count {
            let records = PerfRecords([Array(Self.records[..<length])])
            #expect(records.events.count <= length / 8)
        }
        var state: UInt64 = 7
        for _ in 0..<500 {
            var bytes = Self.records
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 25)
            }
            #expect([SampledWork](PerfRecords([bytes]), opens: [], until: .max).count <= bytes.count / 48)
        }
    }

    @Test("Sources, bytecode and an interpreter's own libraries are modules, other files are not")
    func modules() {
        for path in [
            "/a/m.py", "/a/__pycache__/m.cpython-311.pyc", "/a/_ssl.cpython-311-x86_64-linux-gnu.so", "/n/i.mjs",
        ] {
            #expect(InterpretedFile.isModule(Array(path.utf8)), "\(path)")
        }
        for path in ["/lib/libc.so.6", "/usr/lib/python3.11", "/etc/passwd", "/a/libcpython.so"] {
            #expect(!InterpretedFile.isModule(Array(path.utf8)), "\(path)")
        }
    }
}
