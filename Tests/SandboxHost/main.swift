// A process that runs containers, for the tests that kill it and for measuring.
//
//     SandboxHost DIRECTORY COUNT COMMAND...
//
// DIRECTORY holds lower, upper and work. Prints one line per run: microseconds of the whole run, and of the part from
// clone to exec.

import Glibc
import Sandbox
import SystemPackage

setvbuf(stdout, nil, _IOLBF, 0)
let words = CommandLine.arguments
guard words.count > 3, let count = Int(words[2]) else { exit(64) }
let directory = FilePath(words[1])
let container = Container(
    Overlay(
        lowers: [directory.appending("lower")], upper: directory.appending("upper"), work: directory.appending("work")))
var command = Command(Array(words[3...]))
command.network = .none
for _ in 0..<count {
    let clock = ContinuousClock()
    let begin = clock.now
    let running = try await container.start(command)
    let status = try await running.wait()
    let whole = (clock.now - begin) / .microseconds(1)
    print("\(Int(whole)) \((running.executedAt - running.clonedAt) / 1000) \(status)")
}
