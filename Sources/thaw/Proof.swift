import ColdStart
import Linux
import OCI
import Slim

/// The runner of a proof: starts images on an engine and converts their probe results for the module Slim.
struct Proof: ImageRunner {
    let job: BootJob
    let store: Store
    let interview: Interview

    /// Returns the probe results of the original; throws if a probe does not pass.
    func testimony(of original: Image) async throws -> Testimony {
        let testimony = try await run(original, isObserving: interview.observes)
        if let objection = testimony.objection { throw SlimError.notServing(objection) }
        return testimony
    }

    func run(_ image: Image, isObserving: Bool) async throws -> Testimony {
        do {
            let asked = Interview(probes: interview.probes, commands: interview.commands, observes: isObserving)
            let measured = try await job.ask(image, asked, in: store)
            return Testimony(measured.hearing, to: interview, on: measured.engine)
        } catch let error as ColdStartError where error.kind == .work {
            return Testimony(statements: [], failure: "\(error)")
        }
    }
}

extension Testimony {
    fileprivate init(_ hearing: Hearing?, to interview: Interview, on engine: String) {
        guard let hearing else {
            self.init(statements: [], failure: "the image was not probed")
            return
        }
        let questions = interview.probes.map { ($0, true) } + interview.commands.map { (Probe.exec($0), false) }
        var statements = zip(questions, hearing.answers).map { question, heard in
            Statement(heard, to: "\(question.0)", passes: question.1 ? heard.passes : heard.isEnded)
        }
        if interview.readiness != nil {
            let ports = hearing.ports.map { "\($0)" }.joined(separator: " ")
            let state = hearing.ending.map { "it \($0)" } ?? "it runs"
            statements.append(
                Statement(
                    "the program afterwards", [("state", .text(state)), ("listening on", .text(ports))], passes: true))
        }
        self.init(statements: statements, observation: Observation(hearing.observation), engine: engine)
    }
}

extension Testimony.Observation {
    fileprivate init(_ observed: Observed) {
        self =
            switch observed {
            case .unwatched: .none
            case .blind(let reason): .impossible(reason)
            case .paths(let paths, let isComplete): .files(paths, isComplete: isComplete)
            }
    }

    /// A warning that the opened files are not completely known; nil if they are.
    var warning: String? {
        switch self {
        case .none, .files(_, isComplete: true): nil
        case .impossible(let reason): "the files that the program opens are not observed: \(reason)"
        case .files(_, isComplete: false):
            "more files were opened than could be observed; add missing files with --include"
        }
    }
}

extension Statement {
    fileprivate init(_ heard: Heard, to question: String, passes: Bool) {
        let (body, errors) = (Content(heard.body), Content(heard.errors))
        func command(_ ending: String) -> Statement {
            .command(question, ending: ending, output: body, errors: errors, passes: passes)
        }
        func words(_ text: String) -> Statement { Statement(question, [("answer", .text(text))], passes: passes) }
        self =
            switch heard.outcome {
            case .http(let status): .http(question, status: status, head: heard.head, body: body, passes: passes)
            case .connected: words("connected")
            case .exited(let status): command("exit status \(status)")
            case .killed(let signal): command("killed by signal \(signal)")
            case .matched: words("a line matched")
            case .refused: words("nothing listens")
            case .broken: words("the connection was closed before the end of the response")
            case .silent: words("no response before the timeout")
            case .unstarted(let reason): words("the command cannot be run: \(reason)")
            }
    }
}

extension Content {
    fileprivate init(_ content: Heard.Content?) {
        guard let content else {
            self.init([])
            return
        }
        self.init(beginning: content.beginning, byteCount: content.byteCount, digest: content.digest)
    }
}
