import Linux
import OCI
import Registry
import Testing

@testable import Build
@testable import Jobs

@Suite("Progress")
struct ProgressTests {
    private let host = FakeHost()

    @Test("Lines of a step have its name, the rest comes at its end, and equal warnings are shown once")
    func build() {
        let progress = BuildProgress(.plain, explainsMisses: false, host: host)
        progress.take(.output(stage: "app", line: 3, bytes: Array("a\nb".utf8)))
        progress.take(.warnings([BuildWarning(rule: "R", message: "m", line: 2)]))
        progress.take(.warnings([BuildWarning(rule: "R", message: "m", line: 2)]))
        let long = String(repeating: "x", count: 200)
        progress.take(.finished(StepReport.made("app", line: 3, instruction: "RUN \(long)")))
        progress.take(.note("n"))
        #expect(
            host.texts == [
                "[app:3] a", "1 warning in the Dockerfile\n  line 2: m [R]", "[app:3] b",
                "[app:3] RUN \(long.prefix(93))...  CACHED", "note: n",
            ])
    }

    @Test("--progress quiet reports nothing of a build, and json an event in each line")
    func forms() {
        BuildProgress(.quiet, explainsMisses: true, host: host).take(.note("n"))
        #expect(host.texts.isEmpty)
        BuildProgress(.json, explainsMisses: true, host: host).take(.note("n"))
        #expect(host.texts == [#"{"event":"note","text":"n"}"#])
    }

    @Test("A finished blob is a line; a terminal has lines below that count the bytes")
    func transfer() {
        let blob = Descriptor(mediaType: .config, digest: Digest(of: [1]), size: 1_500_000)
        let progress = TransferProgress(.auto, host: host)
        progress.take(.began(blob))
        progress.take(.done(blob, .present))
        progress.take(.retrying(reason: "the connection was cut", after: .seconds(2)))
        #expect(
            host.texts == [
                "transfer: 0B of 1.5MB, 1 moving|  \(blob.digest.short)  0 % of 1.5MB",
                "\(blob.digest.short)  1.5MB  already exists", "transfer: end",
                "the connection was cut; retrying in 2 s",
            ])
    }

    @Test("The live lines of a build have totals, times, and the last line of each running step")
    func running() {
        var steps = RunningSteps()
        let now = ContinuousClock.now
        #expect(steps.lines(at: now) == [])
        steps.begin("a:2", "RUN make", at: now)
        steps.begin("b:3", "RUN test", at: now + .seconds(60))
        steps.setLastLine(of: "a:2", "cc -c x.c")
        steps.end("base:1", isCached: true)
        #expect(
            steps.lines(at: now + .seconds(65)) == [
                "2 running, 1 done (1 cached), 65 s", "[a:2] 65 s  RUN make", "    cc -c x.c",
                "[b:3] 5 s  RUN test",
            ])
        for number in 0..<1000 { steps.begin("c:\(number)", "RUN x", at: now) }
        #expect(steps.lines(at: now).first == "1002 running, 999 not shown, 1 done (1 cached), 0 s")
        #expect(steps.lines(at: now).count == 5)
    }
}

extension StepReport {
    fileprivate static func made(_ stage: String, line: Int, instruction: String) -> StepReport {
        StepReport(
            stage: stage, line: line, instruction: instruction, missReason: nil, isByContent: false, duration: .zero)
    }
}
