import OCI
import Slim
import Support
import Testing

/// Files that profiles leave out of the packages that they belong to.
@Suite("A package of a language") struct LeftOutTests {
    @Test("Java's files for compilers stay only beside a compiler", arguments: [false, true])
    func java(hasCompiler: Bool) async throws {
        let home = "usr/lib/jvm/java-17"
        let files = ["lib/modules", "lib/ct.sym", "lib/server/classes.jsa", "lib/server/classes_nocoops.jsa"]
        let entries =
            try glibc() + [
                program("\(home)/bin/java", .program(needs: ["libc.so.6"])),
                symlink("usr/bin/java", "/\(home)/bin/java"),
            ]
            + files.map { try file("\(home)/\($0)", "x") }
            + (hasCompiler ? [program("usr/bin/javac", ELFMaker())] : [])
            + dpkg([("openjdk", "", ["/\(home)/bin/java"] + files.map { "/\(home)/\($0)" })])
        let found = try await Sample([entries], runs: ["java"]).kept()
        #expect(found.isSuperset(of: ["/\(home)/lib/modules", "/\(home)/lib/server/classes.jsa"]))
        for name in ["lib/ct.sym", "lib/server/classes_nocoops.jsa"] {
            #expect(found.contains("/\(home)/\(name)") == hasCompiler, "\(name)")
        }
    }
}
