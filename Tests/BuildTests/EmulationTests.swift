import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Build

/// Emulators registered in the kernel for programs of other platforms.
@Suite("Emulation")
struct EmulationTests {
    private static func rule(enabled: Bool = true, flags: String = "POCF") -> String {
        """
        \(enabled ? "enabled" : "disabled")
        interpreter /usr/bin/qemu-aarch64-static
        flags: \(flags)
        offset 0
        magic 7f454c460201010000000000000000000200b700
        mask ffffffffffffff00fffffffffffffffffeffffff

        """
    }

    /// A rule, a platform, and true if its programs run.
    static let cases: [(String, String, Bool)] = [
        (rule(), "linux/arm64", true), (rule(), "linux/arm64/v8", true), (rule(), "linux/arm/v7", false),
        (rule(enabled: false), "linux/arm64", false), (rule(flags: "OC"), "linux/arm64", false),
        ("enabled\n", "linux/arm64", false), (rule(), "windows/arm64", false), (rule(), "linux/other", false),
        ("enabled\nflags: F\nmagic 7f454\n", "linux/arm64", false), ("\n \n", "linux/arm64", false),
        ("", "linux/amd64", true),
        ("", "linux/386", true),
    ]

    @Test("A platform runs if an enabled rule with the flag F matches its programs", arguments: cases)
    func rules(text: String, platform: String, runs: Bool) throws {
        let space = try Workspace()
        try space.write("register/rule", text)
        try space.write("register/status", "enabled\n")
        let emulation = Emulation(registry: space.path.appending("register"))
        #expect(try emulation.canRun(Platform(platform)) == runs)
    }

    @Test("Without binfmt_misc only this machine's programs run")
    func absent() throws {
        let emulation = Emulation(registry: "/absent")
        #expect(emulation.canRun(.host))
        #expect(try !emulation.canRun(Platform("linux/arm64")))
    }
}
