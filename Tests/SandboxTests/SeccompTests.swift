import Glibc
import Linux
import SystemPackage
import Testing

@testable import Sandbox

/// The system calls that a container may make.
@Suite struct SeccompTests {
    private static let native: UInt32 = 0xc000_003e
    private static let i386: UInt32 = 0x4000_0003

    /// Runs the filter like the kernel.
    private func answer(_ words: [UInt32], _ architecture: UInt32, _ number: UInt32, _ argument: UInt32 = 0) -> UInt32 {
        var (accumulator, index) = (UInt32(0), 0)
        while index * 2 + 1 < words.count {
            let (word, value) = (words[index * 2], words[index * 2 + 1])
            let (jumpTrue, jumpFalse) = (Int(word >> 16 & 0xff), Int(word >> 24))
            index += 1
            switch word & 0xffff {
            case 0x20: accumulator = value == 0 ? number : value == 4 ? architecture : argument
            case 0x05: index += Int(value)
            case 0x06: return value
            case 0x15: index += accumulator == value ? jumpTrue : jumpFalse
            case 0x35: index += accumulator >= value ? jumpTrue : jumpFalse
            case 0x45: index += accumulator & value != 0 ? jumpTrue : jumpFalse
            default: return 1
            }
        }
        return 2
    }

    @Test("Every call number gets the profile's result, on every architecture")
    func numbers() {
        let filter = SeccompFilter.standard(for: .standard, hasListener: false)
        #expect(filter.words.count / 2 < 4096)
        let rules = SeccompRule.standard.filter { $0.applies(to: .standard) }
        for architecture in SeccompArchitecture.all {
            for table in architecture.tables {
                var allowed: Set<UInt32> = []
                for rule in rules where rule.conditions.isEmpty {
                    allowed.formUnion(rule.names.compactMap { table.number(of: $0) })
                }
                let named = Set(rules.flatMap(\.names).compactMap { table.number(of: $0) })
                let newest = named.max() ?? 0
                #expect(allowed.count > 290)
                for number in table.first..<table.first + 1000 where allowed.contains(number) || !named.contains(number)
                {
                    let isMissing = number > newest || number == table.number(of: "clone3")
                    let expected: UInt32 =
                        allowed.contains(number) ? 0x7fff_0000 : 0x0005_0000 | UInt32(isMissing ? ENOSYS : EPERM)
                    #expect(answer(filter.words, architecture.identity, number) == expected, "\(number)")
                }
            }
        }
        #expect(answer(filter.words, 0x1234, 0) == 0x0005_0000 | UInt32(EPERM))
    }

    @Test("Conditions on arguments are checked")
    func conditions() throws {
        let words = SeccompFilter.standard(for: .standard, hasListener: false).words
        for architecture in SeccompArchitecture.all {
            let table = try #require(architecture.tables.first)
            let call = { (name: String, argument: UInt32) throws -> Bool in
                let number = try #require(table.number(of: name))
                return answer(words, architecture.identity, number, argument) == 0x7fff_0000
            }
            #expect(try call("clone", 0x0120_0011))
            for bit in [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
                #expect(try !call("clone", UInt32(bit) | 0x11))
            }
            for value in [0, 0x8, 0x20000, 0x20008, 0xffff_ffff] as [UInt32] { #expect(try call("personality", value)) }
            for value in [1, 0x40000, 0x400000, 0xffff_fffe] as [UInt32] { #expect(try !call("personality", value)) }
            #expect(try call("socket", 2))
            #expect(try !call("socket", 40))
        }
    }

    @Test("A capability allows its calls, and CAP_SYS_ADMIN allows clone with namespaces")
    func capabilities() throws {
        let (standard, all) = (
            SeccompFilter.standard(for: .standard, hasListener: false),
            SeccompFilter.standard(for: .all, hasListener: false)
        )
        let table = try #require(SeccompArchitecture.all.first?.tables.first)
        let identity = try #require(SeccompArchitecture.all.first?.identity)
        for name in ["mount", "unshare", "bpf", "clone3", "reboot", "init_module", "settimeofday", "mbind", "kcmp"] {
            let number = try #require(table.number(of: name))
            #expect(answer(standard.words, identity, number) != 0x7fff_0000, "\(name)")
            #expect(answer(all.words, identity, number) == 0x7fff_0000, "\(name)")
        }
        for name in ["keyctl", "kexec_load", "userfaultfd", "io_uring_setup", "swapon"] {
            let number = try #require(table.number(of: name))
            #expect(answer(all.words, identity, number) == 0x0005_0000 | UInt32(EPERM), "\(name)")
        }
        let clone = try #require(table.number(of: "clone"))
        #expect(answer(all.words, identity, clone, 0x7e02_0000) == 0x7fff_0000)
    }

    /// Calls of a program in a container, and their errno.
    private static let calls: [(name: String, arguments: String, errno: Int32)] = [
        ("unshare", "0x20000", EPERM), ("mount", "0,0,0,0,0", EPERM), ("keyctl", "0,0,0,0,0", EPERM),
        ("add_key", "0,0,0,0,0", EPERM), ("kexec_load", "0,0,0,0", EPERM), ("bpf", "0,0,0", EPERM),
        ("userfaultfd", "0", EPERM), ("io_uring_setup", "0,0", EPERM), ("clone3", "0,0", ENOSYS),
        ("setns", "0,0", EPERM), ("personality", "0x40000", EPERM), ("personality", "0xffffffff", 0),
        ("socket", "40,1,0", EPERM), ("socket", "1,1,0", 0), ("perf_event_open", "0,0,0,0,0", EPERM),
        ("open_by_handle_at", "0,0,0", EPERM), ("umount2", "0,0", EPERM), ("chroot", "b'/'", 0),
        ("getpid", "", 0), ("sched_setattr", "0,0,0", EINVAL),
    ]

    @Test("A container's calls have the same errno as under Docker", arguments: [false, true], [0, 1000] as [UInt32])
    func answers(forbidsNewPrivileges: Bool, uid: UInt32) async throws {
        let fixture = try Fixture.withHostPrograms()
        let table = try #require(SeccompArchitecture.all.first?.tables.first)
        var lines = ["import ctypes, os", "libc = ctypes.CDLL(None, use_errno=True)"]
        for call in Self.calls where uid == 0 || call.name != "chroot" {
            let number = try #require(table.number(of: call.name))
            let arguments = call.arguments.isEmpty ? "" : ", \(call.arguments)"
            lines.append("r = libc.syscall(\(number)\(arguments)); e = ctypes.get_errno() if r == -1 else 0")
            lines.append("if e != \(call.errno): print('\(call.name)', '\(call.arguments)', e)")
        }
        lines.append("print(libc.syscall(5000), ctypes.get_errno())")
        lines.append("print([l for l in open('/proc/self/status') if 'Seccomp:' in l or 'NoNewPrivs' in l])")
        let result = try await fixture.run(["python3", "-c", lines.joined(separator: "\n")]) {
            $0.forbidsNewPrivileges = forbidsNewPrivileges
            $0.account = Account(uid: uid, gid: uid)
        }
        #expect(
            result.output
                == "-1 \(ENOSYS)\n['NoNewPrivs:\\t\(forbidsNewPrivileges ? 1 : 0)\\n', 'Seccomp:\\t2\\n']\n")
        #expect(result.error == "")
    }

    @Test("Without the profile no call is filtered")
    func off() async throws {
        let fixture = try Fixture()
        #expect(
            try await fixture.shell("grep Seccomp: /proc/self/status") { $0.seccomp = .off }.output == "Seccomp:\t0\n")
    }

    @Test("Threads, subprocesses and a compiler work")
    func programs() async throws {
        let fixture = try Fixture.withHostPrograms()
        let threads = """
            import threading, subprocess, tempfile, socket, multiprocessing
            ts = [threading.Thread(target=lambda: None) for _ in range(8)]
            [t.start() for t in ts]; [t.join() for t in ts]
            print(subprocess.check_output(['echo', 'sub']), multiprocessing.Value('i', 7).value)
            a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1), tempfile.TemporaryFile().write(b'xyz'))
            """
        #expect(try await fixture.run(["python3", "-c", threads]).output == "b'sub\\n' 7\nb'x' 3\n")
        let compile = "echo 'int main(){return 42;}' > /a.c && cc -o /a /a.c && { /a; test $? = 42; }"
        let compiled = try await fixture.run(["sh", "-c", compile])
        #expect(compiled.status == .exited(0), "\(compiled.error)")
    }
}
