import Linux
import OCI
import Probe
import Testing

@testable import ColdStart
@testable import Jobs

/// The files of a recorded start.
@Suite struct TraceTests {
    private static let trace: StartTrace = {
        var trace = StartTrace()
        trace.phases = [
            .init(name: .kernel, begin: 0, milliseconds: 100), .init(name: .exec, begin: 100, milliseconds: 50),
            .init(name: .firstByte, begin: 150, milliseconds: 850),
        ]
        trace.threads = [
            .init(number: 7, process: 7, name: "python3", begin: 120, processorMilliseconds: 600, majorFaults: 3),
            .init(number: 9, process: 7, name: "worker", begin: 800, processorMilliseconds: 50, majorFaults: 0),
        ]
        trace.opens = [
            .init(path: Array("/lib/a;b.so".utf8), thread: 7, time: 200, processorMilliseconds: 100),
            .init(path: Array("/app/main.py".utf8), thread: 7, time: 300, processorMilliseconds: 150),
            .init(path: Array("/etc/hosts".utf8), thread: 5, time: 350, processorMilliseconds: nil),
            .init(path: Array("/lib/a;b.so".utf8), thread: 7, time: 700, processorMilliseconds: 500),
        ]
        trace.output = [.init(time: 900, line: "ready")]
        trace.processorMilliseconds = 700
        return trace
    }()

    @Test("The timeline has the members that Chrome's trace event format requires, and each row has a name")
    func chromeTrace() throws {
        let json = try JSON(parsing: Array(Self.trace.chromeTrace.text.utf8))
        let events = try #require(json["traceEvents"]?.array)
        var (named, used): (Set<Int64>, Set<Int64>) = ([], [])
        for event in events {
            let type = try #require(event["ph"]?.string)
            let (process, thread) = (try #require(event["pid"]?.integer), try #require(event["tid"]?.integer))
            #expect(event["name"]?.string?.isEmpty == false && process > 0)
            switch type {
            case "M":
                #expect(event["args"]?["name"]?.string != nil)
                if event["name"]?.string == "thread_name" { named.insert(thread) }
            case "X": #expect(event["ts"] != nil && event["dur"] != nil)
            case "i": #expect(["g", "p", "t"].contains(event["s"]?.string) && event["ts"] != nil)
            default: Issue.record("an event of type \(type)")
            }
            if type == "X" { used.insert(thread) }
        }
        #expect(used.isSubset(of: named))
        #expect(events.filter { $0["cat"]?.string == "open" }.count == 4)
        #expect(events.filter { $0["cat"]?.string == "phase" }.count == 3)
    }

    @Test("The work between two opened files belongs to the first, and the parts add up to the whole")
    func attribution() throws {
        let work = try #require(WorkAttribution(Self.trace))
        let parts = work.parts.map { part in
            "\(part.thread ?? "-") \(part.path.map { String(decoding: $0, as: UTF8.self) } ?? "-") \(part.milliseconds)"
        }
        #expect(
            parts == [
                "python3 /app/main.py 350.0", "python3 /lib/a;b.so 150.0", "python3 - 100.0", "worker - 50.0",
                "- - 50.0",
            ])
        #expect(work.parts.reduce(0) { $0 + $1.milliseconds } == work.milliseconds)
        #expect(WorkAttribution(StartTrace()) == nil)
    }

    @Test("A folded stack has one line for each part, with whole microseconds and no further semicolon")
    func foldedStacks() throws {
        let profile = try #require(WorkProfile(Self.trace, of: WorkFiles(FileTree()), arguments: ["/app/main.py"]))
        #expect(
            profile.foldedStacks == """
                python3 (7);/app/main.py 350000
                python3 (7);/lib/a,b.so 150000
                python3 (7);before the first file 100000
                worker (7);before the first file 50000
                ended threads;before the first file 50000

                """)
        #expect(profile.text(isCounted: false).contains("  21 %  150 ms  python3 (7) after opening /lib/a;b.so"))
    }
}
