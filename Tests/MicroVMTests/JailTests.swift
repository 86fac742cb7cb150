import Glibc
import Linux
import Synchronization
import Testing

@testable import MicroVM

/// What confined threads still can: the test's process would be killed where they may not do what they must.
@Suite struct JailTests {
    /// Runs a body on a thread of its own, confined, and gives what it gives.
    private func confined(_ jail: Jail, _ body: @escaping @Sendable () -> Bool) -> Bool {
        let answer = Monitor<Bool?>(nil)
        WorkerThread.start {
            let isConfined = (try? jail.enter()) != nil
            answer.update { $0 = isConfined && body() }
        }
        return answer.wait(until: monotonicNanoseconds() + 20_000_000_000) { $0 } ?? false
    }

    @Test("Memory grows and is given back", arguments: [Jail.processor, .devices])
    func memory(jail: Jail) {
        // The top of a thread's arena is trimmed when more than 128 KiB of it are free.
        #expect(
            confined(jail) {
                for _ in 0..<20 {
                    var pieces = (0..<40).map { [UInt8](repeating: UInt8($0), count: 60_000) }
                    while pieces.count > 1 { pieces.removeLast() }
                }
                return true
            })
    }

    @Test("No file can be opened, and the answer is no", arguments: [Jail.processor, .devices])
    func files(jail: Jail) {
        #expect(confined(jail) { unsafe open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES })
    }

    @Test("More threads than memory has arenas for are served")
    func arenas() {
        let answers = (0..<24).map { _ in Monitor<Bool?>(nil) }
        for answer in answers {
            WorkerThread.start {
                let isConfined = (try? Jail.processor.enter()) != nil
                let bytes = [UInt8](repeating: 1, count: 5_000)
                answer.update { $0 = isConfined && bytes.count == 5_000 }
                // All live at once.
                _ = answer.wait(until: monotonicNanoseconds() + 300_000_000) { $0 == nil ? true : nil }
            }
        }
        for answer in answers {
            #expect(answer.wait(until: monotonicNanoseconds() + 20_000_000_000) { $0 } == true)
        }
    }
}
