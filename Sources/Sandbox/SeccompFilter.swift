// The seccomp profile as a BPF program, with the call numbers of libseccomp.
//
// thaw builds the program itself: libseccomp needs 45 ms for three architectures, call by call. This code needs less
// than 1 ms, and the program finds a call in eight comparisons.

internal import CSeccomp
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A seccomp program, as the words of the kernel's `struct sock_filter`.
struct SeccompFilter: Sendable {
    /// The instructions, two words each.
    let words: [UInt32]

    /// True if the program sends calls to a listener, see ``DeviceNodes``.
    let hasListener: Bool

    private struct Key: Hashable {
        let capabilities: Capabilities
        let hasListener: Bool
    }

    private static let made = Mutex<[Key: SeccompFilter]>([:])

    /// Returns the standard profile for these capabilities, built once in a process.
    ///
    /// - Parameter hasListener: True if a listener makes the device nodes; it applies only with CAP_MKNOD.
    static func standard(for capabilities: Capabilities, hasListener: Bool) -> SeccompFilter {
        let key = Key(capabilities: capabilities, hasListener: hasListener && capabilities.contains(.makeNodes))
        return made.withLock { made in
            if let filter = made[key] { return filter }
            let rules = SeccompRule.standard.filter { $0.applies(to: capabilities) }
            let filter = SeccompFilter(rules, hasListener: key.hasListener)
            made[key] = filter
            return filter
        }
    }

    /// Builds a program that allows only the calls of `rules`.
    init(_ rules: [SeccompRule], hasListener: Bool = false) {
        self.hasListener = hasListener
        var program = FilterProgram()
        for (index, architecture) in SeccompArchitecture.all.enumerated() {
            // The listener handles only calls of the machine's own architecture.
            let tables = architecture.tables.enumerated().flatMap {
                Self.sections(rules, $1, hasListener: hasListener && index == 0 && $0 == 0)
            }
            program.add(architecture.identity, tables)
        }
        program.finish()
        words = program.words
    }

    /// Returns the actions for the numbers of one table.
    ///
    /// Calls that no rule names fail with EPERM. Calls newer than all rules fail with ENOSYS, after which programs try
    /// an older call.
    private static func sections(
        _ rules: [SeccompRule], _ table: SeccompArchitecture.Table, hasListener: Bool
    ) -> [FilterSection] {
        var actions: [UInt32: FilterAction] = [:]
        for rule in rules {
            for number in rule.names.compactMap({ table.number(of: $0) }) {
                actions[number] = FilterAction.allow(rule.conditions)
            }
        }
        if hasListener {
            for (name, index) in [("mknod", 1), ("mknodat", 2)] {
                if let number = table.number(of: name) { actions[number] = .notifyDevices(mode: index) }
            }
        }
        // After ENOSYS from clone3, a C library starts threads with clone.
        if let clone3 = table.number(of: "clone3"), actions[clone3] == nil { actions[clone3] = .fail(ENOSYS) }
        var sections = [FilterSection(start: table.first, action: .fail(EPERM))]
        for (number, action) in actions.sorted(by: { $0.key < $1.key }) {
            sections.append(FilterSection(start: number, action: action))
            sections.append(FilterSection(start: number + 1, action: .fail(EPERM)))
        }
        sections[sections.count - 1] = FilterSection(start: (actions.keys.max() ?? 0) + 1, action: .fail(ENOSYS))
        return sections
    }
}

/// The system calls of one machine architecture.
struct SeccompArchitecture: Sendable {
    /// Calls with numbers from one range.
    struct Table: Sendable {
        let architecture: UInt32
        /// The lowest number.
        let first: UInt32

        /// Returns the number of a call; nil if the architecture doesn't have it or this libseccomp is too old.
        func number(of name: String) -> UInt32? {
            let number = unsafe seccomp_syscall_resolve_name_arch(architecture, name)
            if number >= 0 { return UInt32(number) }
            return architecture == SeccompArchitecture.i386 ? SeccompArchitecture.direct[name] : nil
        }
    }

    /// The kernel's constant for it (AUDIT_ARCH_*).
    let identity: UInt32
    let tables: [Table]

    private static let i386: UInt32 = 0x4000_0003
    #if arch(x86_64)
        /// x32 has the calls of x86-64 with an additional bit in the numbers.
        static let all = [
            SeccompArchitecture(
                identity: 0xc000_003e,
                tables: [
                    Table(architecture: 0xc000_003e, first: 0), Table(architecture: 0x4000_003e, first: 0x4000_0000),
                ]),
            SeccompArchitecture(identity: i386, tables: [Table(architecture: i386, first: 0)]),
        ]
    #elseif arch(arm64)
        static let all = [
            SeccompArchitecture(
                identity: 0xc000_00b7, tables: [Table(architecture: 0xc000_00b7, first: 0)]),
            SeccompArchitecture(
                identity: 0x4000_0028, tables: [Table(architecture: 0x4000_0028, first: 0)]),
        ]
    #endif

    /// Direct i386 calls since Linux 4.3; libseccomp only knows them as parts of `socketcall` and `ipc`.
    private static let direct: [String: UInt32] = [
        "socket": 359, "socketpair": 360, "bind": 361, "connect": 362, "listen": 363, "accept4": 364,
        "getsockopt": 365, "setsockopt": 366, "getsockname": 367, "getpeername": 368, "sendto": 369, "sendmsg": 370,
        "recvfrom": 371, "recvmsg": 372, "shutdown": 373, "semget": 393, "semctl": 394, "shmget": 395, "shmctl": 396,
        "shmat": 397, "shmdt": 398, "msgget": 399, "msgsnd": 400, "msgrcv": 401, "msgctl": 402,
    ]
}
