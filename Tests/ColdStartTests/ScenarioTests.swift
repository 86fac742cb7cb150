import Probe
import Testing

@testable import ColdStart

@Suite("Scenarios")
struct ScenarioTests {
    @Test("A scenario that no engine can run is refused before anything starts", arguments: 0..<9)
    func scenario(index: Int) {
        var scenario = Scenario(arguments: ["x"], probe: .tcp(port: 1))
        switch index {
        case 0: scenario.arguments = []
        case 1: scenario.arguments = [""]
        case 2: scenario.environment = ["A=\0"]
        case 3: scenario.runs = 0
        case 4: scenario.processors = 0
        case 5: scenario.memoryBytes = 1 << 20
        case 6: scenario.timeout = .zero
        case 7: scenario.memoryBytes = (1 << 40) + 1
        default: scenario.hostname = ""
        }
        #expect(throws: ColdStartError.self) { try scenario.validate() }
    }

    @Test(
        "A set of probes that init cannot run is refused",
        arguments: [
            ([], [], "the set of probes is empty"),
            ([], [.exec([""])], "a command needs a program name, and must not contain zero bytes"),
            ([.tcp(port: 1)], [.exec(["a", "\0"])], "a command needs a program name, and must not contain zero bytes"),
            (
                [ProbeAction](repeating: .tcp(port: 1), count: 257), [],
                "more than 256 probes and commands are not supported"
            ),
        ] as [([ProbeAction], [ProbeAction], String)])
    func probes(probes: [ProbeAction], commands: [ProbeAction], reason: String) {
        var scenario = Scenario(arguments: ["x"], probe: .tcp(port: 1))
        scenario.probeSet = ProbeSet(probes: probes, commands: commands)
        #expect(throws: ColdStartError.impossibleScenario(reason)) { try scenario.validate() }
    }
}
