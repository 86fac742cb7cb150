// The system calls of Docker's default seccomp profile, as of Docker 27.

/// The system calls that a command may make.
public enum SeccompProfile: Sendable, Hashable {
    /// The calls of Docker's default profile, for the command's capabilities.
    case standard
    /// All calls.
    case off
}

/// Calls that are allowed together.
struct SeccompRule: Sendable {
    /// A condition on the first argument.
    enum Condition: Sendable, Hashable {
        case equal(UInt32)
        case notEqual(UInt32)
        /// All of these bits are clear.
        case clear(UInt32)
    }

    let names: [String]
    /// The first argument must meet one of these; no condition if empty.
    let conditions: [Condition]
    /// The command needs one of these capabilities; none if empty.
    let capabilities: [Int]
    /// A capability that the command must not have.
    let without: Int?

    init(_ text: String, first conditions: [Condition] = [], with capabilities: Int..., without: Int? = nil) {
        names = text.split(whereSeparator: \.isWhitespace).map(String.init)
        self.conditions = conditions
        self.capabilities = capabilities
        self.without = without
    }

    func applies(to capabilities: Capabilities) -> Bool {
        if let without, capabilities.contains(without) { return false }
        return self.capabilities.isEmpty || self.capabilities.contains { capabilities.contains($0) }
    }
}

extension Capabilities {
    fileprivate func contains(_ number: Int) -> Bool { rawValue >> UInt64(number) & 1 == 1 }
}

/// The numbers of the capabilities that allow further calls.
private enum Capability {
    static let dacReadSearch = 2
    static let sysModule = 16
    static let sysRawIO = 17
    static let sysChroot = 18
    static let sysPtrace = 19
    static let sysPacct = 20
    static let sysAdmin = 21
    static let sysBoot = 22
    static let sysNice = 23
    static let sysTime = 25
    static let sysTTYConfig = 26
    static let syslog = 34
    static let perfmon = 38
    static let bpf = 39
}

extension SeccompRule {
    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
    private static let newNamespaces: UInt32 = 0x7e02_0000
    private static let vsock: UInt32 = 40
    /// PER_LINUX, PER_LINUX32, each also with UNAME26, and 0xffffffff, which only queries the personality.
    private static let personalities: [UInt32] = [0, 0x8, 0x20000, 0x20008, 0xffff_ffff]

    /// The profile.
    ///
    /// Other calls fail with EPERM, and calls that are newer than this list with ENOSYS.
    static let standard: [SeccompRule] = [
        SeccompRule(files), SeccompRule(processes), SeccompRule(memory), SeccompRule(time), SeccompRule(communication),
        SeccompRule("socket", first: [.notEqual(vsock)]),
        SeccompRule("personality", first: personalities.map { .equal($0) }),
        SeccompRule("clone", first: [.clear(newNamespaces)], without: Capability.sysAdmin),
        SeccompRule(
            """
            clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount
            open_tree quotactl quotactl_fd setdomainname sethostname setns umount umount2 unshare
            """, with: Capability.sysAdmin),
        SeccompRule("bpf", with: Capability.sysAdmin, Capability.bpf),
        SeccompRule("perf_event_open", with: Capability.sysAdmin, Capability.perfmon),
        SeccompRule("syslog", with: Capability.sysAdmin, Capability.syslog),
        SeccompRule("open_by_handle_at", with: Capability.dacReadSearch),
        SeccompRule("reboot", with: Capability.sysBoot),
        SeccompRule("chroot", with: Capability.sysChroot),
        SeccompRule("delete_module init_module finit_module", with: Capability.sysModule),
        SeccompRule("acct", with: Capability.sysPacct),
        SeccompRule("kcmp pidfd_getfd process_madvise", with: Capability.sysPtrace),
        SeccompRule("iopl ioperm", with: Capability.sysRawIO),
        SeccompRule("settimeofday stime clock_settime clock_settime64", with: Capability.sysTime),
        SeccompRule("vhangup", with: Capability.sysTTYConfig),
        SeccompRule("get_mempolicy mbind set_mempolicy set_mempolicy_home_node", with: Capability.sysNice),
    ]

    private static let files = """
        access cachestat chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat
        faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
        fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64
        fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr inotify_add_watch
        inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
        io_pgetevents_time64 io_setup io_submit ioctl lchown lchown32 lgetxattr link linkat listxattr llistxattr _llseek
        lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat
        openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr
        rename renameat renameat2 rmdir sendfile sendfile64 setxattr splice stat stat64 statfs statfs64 statx symlink
        symlinkat sync sync_file_range sync_file_range2 arm_sync_file_range arm_fadvise64_64 syncfs tee truncate
        truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev
        """

    private static let processes = """
        arch_prctl capget capset execve execveat exit exit_group fork get_robust_list get_thread_area getegid getegid32
        geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getpriority getresgid
        getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set kill
        landlock_add_rule landlock_create_ruleset landlock_restrict_self modify_ldt pause pidfd_open pidfd_send_signal
        prctl prlimit64 process_mrelease process_vm_readv process_vm_writev ptrace restart_syscall rseq rt_sigaction
        rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
        rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
        sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
        sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address set_tls
        setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority setregid
        setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32
        sigaltstack signalfd signalfd4 sigprocmask sigreturn tgkill tkill ugetrlimit uname vfork wait4 waitid waitpid
        """

    private static let memory = """
        brk breakpoint cacheflush getcpu getrandom madvise map_shadow_stack membarrier memfd_create memfd_secret mincore
        mlock mlock2 mlockall mmap mmap2 mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free
        pkey_mprotect remap_file_pages sysinfo
        """

    private static let time = """
        adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
        clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
        timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
        timerfd_gettime64 timerfd_settime timerfd_settime64 times
        """

    private static let communication = """
        accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
        epoll_wait epoll_wait_old eventfd eventfd2 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
        getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open mq_timedreceive
        mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd _newselect pipe
        pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 recv recvfrom recvmmsg recvmmsg_time64 recvmsg select
        semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt
        shmget shutdown socketcall socketpair
        """
}
