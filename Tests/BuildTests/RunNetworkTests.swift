import Sandbox
import Testing

@testable import Build

/// The network of a RUN.
@Suite struct RunNetworkTests {
    @Test("A step gets the host's network only if it was requested", arguments: BuildRequest.RunNetwork.allCases)
    func network(wanted: BuildRequest.RunNetwork) {
        let able = RunNetwork(wanted, unavailable: nil)
        let unable = RunNetwork(wanted, unavailable: .noProgram)
        switch wanted {
        case .none: #expect(able.network == .none && unable.network == .none && unable.note == nil)
        case .host: #expect(able.network == .host && unable.network == .host && unable.note == nil)
        case .default:
            #expect(able.network == .isolated && able.note == nil)
            #expect(unable.network == .none)
            #expect(unable.note?.contains("apt-get install passt") == true)
        }
    }
}
