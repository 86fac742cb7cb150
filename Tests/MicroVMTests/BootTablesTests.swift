import Harness
import Linux
import SystemPackage
import Testing

@testable import MicroVM

@Suite struct BootTablesTests {
    static let machines: [ACPITables] = [
        ACPITables(processors: 1, devices: []),
        ACPITables(processors: 8, devices: (0..<2).map(MMIODevice.init), hasSerialPort: true),
        ACPITables(
            processors: 254, devices: (0..<MMIODevice.maximumCount).map(MMIODevice.init), hasSerialPort: true,
            generationInterrupt: 20),
    ]

    @Test("iasl disassembles every table, and compiles the result to the same byte code", arguments: machines)
    func referee(tables: ACPITables) throws {
        let scratch = try TemporaryDirectory()
        for table in try tables.placed() where table.name != "RSDP" {
            _ = try scratch.write("\(table.name).aml", table.bytes)
            let apart = try Program.run(["iasl", "-d", "\(table.name).aml"], in: scratch.path.string)
            let text = apart.output + apart.error
            #expect(apart.status == 0)
            for word in ["Error", "Warning", "Invalid", "Incorrect"] {
                #expect(!text.contains("\(word) ") && !text.contains("\(word):"), "\(text)")
            }
        }
        let again = try Program.run(["iasl", "-oa", "-p", "again", "DSDT.dsl"], in: scratch.path.string)
        let verdict = again.output + again.error
        #expect(verdict.contains("0 Errors, 0 Warnings"), "\(verdict)")
        let (made, remade) = (try scratch.read("DSDT.aml"), try scratch.read("again.aml"))
        // The headers contain the compiler's name.
        #expect(made[36...] == remade[36...])
    }

    @Test("Every table has the checksum zero and names the next one", arguments: machines)
    func chain(tables: ACPITables) throws {
        let placed = try tables.placed()
        var places: [String: UInt64] = [:]
        for table in placed {
            #expect(table.bytes.reduce(0, &+) == 0, "\(table.name)")
            #expect(table.address.isMultiple(of: 16))
            if table.name != "RSDP" { #expect(table.bytes.number(UInt32.self, at: 4) == UInt32(table.bytes.count)) }
            places[table.name] = table.address
        }
        let (root, xsdt) = (try #require(placed.last), try #require(placed.first { $0.name == "XSDT" }))
        let fadt = try #require(placed.first { $0.name == "FACP" })
        #expect(root.bytes[..<20].reduce(0, &+) == 0)
        #expect(root.bytes.number(UInt64.self, at: 24) == places["XSDT"])
        #expect(xsdt.bytes.number(UInt64.self, at: 36) == places["FACP"])
        #expect(xsdt.bytes.number(UInt64.self, at: 44) == places["APIC"])
        #expect(fadt.bytes.number(UInt64.self, at: 140) == places["DSDT"])
        for (one, next) in zip(placed, placed.dropFirst()) {
            #expect(one.address + UInt64(one.bytes.count) <= next.address)
        }
    }

    @Test(
        "A package length counts its own bytes",
        arguments: [
            (0, [0x01]), (62, [0x3f]), (63, [0x41, 0x04]), (4093, [0x4f, 0xff]), (4094, [0x81, 0x00, 0x01]),
            (1_048_572, [0x8f, 0xff, 0xff]), (1_048_573, [0xc1, 0x00, 0x00, 0x01]),
        ] as [(Int, [UInt8])])
    func lengths(content: Int, encoded: [UInt8]) {
        let bytes = AML.sized([UInt8](repeating: 7, count: content))
        #expect(bytes.count == content + encoded.count)
        #expect(Array(bytes.prefix(encoded.count)) == encoded)
    }

    @Test(
        "Integers have the shortest encoding",
        arguments: [
            (0, [0]), (1, [1]), (2, [0x0a, 2]), (255, [0x0a, 255]), (256, [0x0b, 0, 1]), (65536, [0x0c, 0, 0, 1, 0]),
            (1 << 32, [0x0e, 0, 0, 0, 0, 1, 0, 0, 0]),
        ] as [(UInt64, [UInt8])])
    func integers(value: UInt64, encoded: [UInt8]) { #expect(AML.integer(value) == encoded) }
}
