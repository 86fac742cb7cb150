import CKVM
import Glibc
import Linux
import Synchronization
import Testing

@testable import MicroVM

/// The operations that confined threads need or must not have; a forbidden system call would kill the test's process.
@Suite struct JailTests {
    /// Runs a body on a thread of its own, confined, and returns its result.
    private func confined(_ jail: Jail, _ body: @escaping @Sendable () -> Bool) -> Bool {
        let answer = WaitableState<Bool?>(nil)
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

    @Test("Opening a file fails with an error", arguments: [Jail.processor, .devices])
    func files(jail: Jail) {
        #expect(confined(jail) { unsafe open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES })
    }

    /// Connects from a confined thread to a listening socket; both sockets were made by this unconfined thread.
    private func connects(_ family: Int32, to address: [UInt8]) -> Bool? {
        let (listener, client) = (socket(family, streamType, 0), socket(family, streamType, 0))
        defer { for number in [listener, client] { close(number) } }
        var bytes = address + [UInt8](repeating: 0, count: 128 - address.count)
        var length = socklen_t(address.count)
        let isListening = unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return unsafe bind(listener, base, length) == 0 && listen(listener, 1) == 0
                && getsockname(listener, base, &length) == 0
        }
        guard isListening else { return nil }
        let (place, count) = (Array(bytes), length)
        return confined(.devices) {
            unsafe place.withUnsafeBytes { buffer in
                guard let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
                return unsafe connect(client, base, count) == 0
            }
        }
    }

    private var streamType: Int32 { Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue) }

    @Test(
        "No TCP listener can be reached, not even with a socket from before",
        .enabled(if: ckvm_landlock_version() >= 4, "this kernel's Landlock does not support TCP rules"))
    func tcp() {
        let loopback: [UInt8] = [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        #expect(connects(AF_INET, to: loopback) == false)
    }

    @Test(
        "Abstract sockets of other processes can't be reached",
        .enabled(if: ckvm_landlock_version() >= 6, "this kernel's Landlock does not support abstract sockets"))
    func abstractSockets() {
        let name = Array("\0thaw-jail-\(UInt64.random(in: 0 ... .max))".utf8)
        #expect(connects(AF_UNIX, to: [UInt8(AF_UNIX), 0] + name) == false)
    }

    @Test("More threads than malloc has arenas can allocate")
    func arenas() {
        let answers = (0..<24).map { _ in WaitableState<Bool?>(nil) }
        for answer in answers {
            WorkerThread.start {
                let isConfined = (try? Jail.processor.enter()) != nil
                let bytes = [UInt8](repeating: 1, count: 5_000)
                answer.update { $0 = isConfined && bytes.count == 5_000 }
                // All threads exist at the same time.
                _ = answer.wait(until: monotonicNanoseconds() + 300_000_000) { $0 == nil ? true : nil }
            }
        }
        for answer in answers {
            #expect(answer.wait(until: monotonicNanoseconds() + 20_000_000_000) { $0 } == true)
        }
    }
}
