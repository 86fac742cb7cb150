// A process that runs containers, for the tests that kill it and for measuring.
//
//     SandboxHost DIRECTORY COUNT UID COMMAND...
//
// DIRECTORY contains lower, upper and work. With SANDBOX_HOST_ISOLATED set the network is an isolated one. Prints one
// line for each run: the microseconds of the whole run, and those from clone to exec.

import Glibc
import Linux
import Sandbox
import SystemPackage

let words = CommandLine.arguments
guard words.count > 4, let count = Int(words[2]), let uid = UInt32(words[3]) else { exit(64) }
let directory = FilePath(words[1])
let container = Container(
    Overlay(
        lowers: [directory.appending("lower")], upper: directory.appending("upper"), work: directory.appending("work")))
var command = Command(Array(words[4...]))
command.network = unsafe getenv("SANDBOX_HOST_ISOLATED") == nil ? .none : .isolated
command.processLimit = 4096
command.account = Account(uid: uid, gid: uid)
for _ in 0..<count {
    let clock = ContinuousClock()
    let begin = clock.now
    let running = try await container.start(command)
    let status = try await running.wait()
    let whole = (clock.now - begin) / .microseconds(1)
    print("\(Int(whole)) \((running.executedAt - running.clonedAt) / 1000) \(status)")
}
