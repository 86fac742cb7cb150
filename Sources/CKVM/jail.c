#define _GNU_SOURCE
#include "CKVM.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int ckvm_forbid_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// The rights that a Landlock ruleset handles, and so forbids, because none of them is granted anywhere: struct
// landlock_ruleset_attr.
struct rules {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

// System call numbers that are the same on every architecture, for headers that lack them.
enum { landlock_create_ruleset = 444, landlock_restrict_self = 446 };

// The numbers of linux/landlock.h (Documentation/userspace-api/landlock.rst): older headers lack the later ones.
enum {
    landlock_create_ruleset_version = 1 << 0,
    landlock_create_ruleset_errata = 1 << 1,
    // LANDLOCK_ACCESS_FS_EXECUTE to LANDLOCK_ACCESS_FS_MAKE_SYM, of version 1.
    landlock_access_fs_first = (1 << 13) - 1,
    landlock_access_fs_truncate = 1 << 14,
    landlock_access_fs_ioctl_dev = 1 << 15,
    landlock_access_net_bind_tcp = 1 << 0,
    landlock_access_net_connect_tcp = 1 << 1,
    landlock_scope_abstract_unix_socket = 1 << 0,
    landlock_scope_signal = 1 << 1,
    // Erratum 2: the bit is set if it is fixed.
    landlock_erratum_scoped_signals = 1 << 1,
};

// The versions of Landlock that brought these rights.
enum { version_of_truncate = 3, version_of_tcp = 4, version_of_ioctl_dev = 5, version_of_scopes = 6 };

static long landlock(const struct rules *rules, size_t size, unsigned flags) {
    return syscall(landlock_create_ruleset, rules, size, flags);
}

long ckvm_landlock_version(void) {
    long version = landlock(NULL, 0, landlock_create_ruleset_version);
    return version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP) ? 0 : version;
}

// Before a fix, a thread could not even signal another thread of its own process, and processors kick each other.
static int can_scope_signals(void) {
    long errata = landlock(NULL, 0, landlock_create_ruleset_errata);
    return errata >= 0 && errata & landlock_erratum_scoped_signals;
}

int ckvm_forbid_files_and_sockets(void) {
    long version = ckvm_landlock_version();
    if (version <= 0) return (int)version;
    struct rules all = {.handled_access_fs = landlock_access_fs_first};
    size_t size = sizeof all.handled_access_fs;
    if (version >= version_of_truncate) all.handled_access_fs |= landlock_access_fs_truncate;
    if (version >= version_of_ioctl_dev) all.handled_access_fs |= landlock_access_fs_ioctl_dev;
    if (version >= version_of_tcp) {
        all.handled_access_net = landlock_access_net_bind_tcp | landlock_access_net_connect_tcp;
        size += sizeof all.handled_access_net;
    }
    if (version >= version_of_scopes) {
        all.scoped = landlock_scope_abstract_unix_socket | (can_scope_signals() ? landlock_scope_signal : 0);
        size += sizeof all.scoped;
    }
    long rules = landlock(&all, size, 0);
    if (rules < 0) return -1;
    int result = (int)syscall(landlock_restrict_self, (int)rules, 0);
    int error = errno;
    close((int)rules);
    errno = error;
    return result;
}

// The calls of any thread that allocates, locks, notifies others and ends.
static const int common_calls[] = {
    SYS_brk,    SYS_munmap, SYS_mremap,       SYS_madvise,        SYS_futex, SYS_sched_yield,   SYS_clock_gettime,
    SYS_gettid, SYS_getpid, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_exit,  SYS_restart_syscall,
    SYS_write,  SYS_close,  SYS_epoll_ctl,    SYS_getrandom,      SYS_exit_group,   SYS_getrusage,    SYS_read,
    SYS_sendto,
};

// The ioctls of a thread that handles all exits of the guest: it may only run the processor.
static const unsigned processor_requests[] = {KVM_RUN};

// The calls for the devices' own descriptors, the disk, and the sockets of vsock and network.
static const int device_calls[] = {
    SYS_epoll_wait, SYS_epoll_pwait, SYS_preadv,  SYS_pwritev,  SYS_fdatasync,
    SYS_accept4,    SYS_connect,     SYS_recvfrom, SYS_sendmsg, SYS_shutdown,
};

// The additional calls of a machine's process: to make it from open descriptors, start its threads, and reply.
static const int process_calls[] = {
    SYS_epoll_wait,      SYS_epoll_pwait, SYS_preadv,       SYS_pwritev,     SYS_fdatasync, SYS_pread64,
    SYS_pwrite64,        SYS_lseek,       SYS_ftruncate,    SYS_fstat,       SYS_newfstatat, SYS_fcntl,
    SYS_eventfd2,        SYS_epoll_create1, SYS_accept4,    SYS_recvfrom,  SYS_sendmsg,
    SYS_recvmsg,         SYS_shutdown,    SYS_rt_sigaction, SYS_sigaltstack, SYS_sysinfo,   SYS_set_robust_list,
    SYS_rseq,            SYS_poll,
    // Each thread that serves the guest confines itself further.
    landlock_create_ruleset, landlock_restrict_self,
};

enum { process_count = sizeof process_calls / sizeof *process_calls };
enum { common_count = sizeof common_calls / sizeof *common_calls };
enum { request_count = sizeof processor_requests / sizeof *processor_requests };
enum { device_count = sizeof device_calls / sizeof *device_calls };

// A seccomp filter, written from start to end.
struct program {
    struct sock_filter steps[2 * (common_count + process_count + device_count + request_count) + 64];
    unsigned short length;
};

static void add(struct program *program, unsigned short code, unsigned char yes, unsigned char no, unsigned value) {
    program->steps[program->length++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *program, unsigned offset) { add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset); }

static void answer(struct program *program, unsigned action) { add(program, BPF_RET | BPF_K, 0, 0, action); }

static void allow(struct program *program, unsigned value) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
    answer(program, SECCOMP_RET_ALLOW);
}

static void refuse(struct program *program, unsigned call, unsigned error) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call);
    answer(program, SECCOMP_RET_ERRNO | error);
}

// Allows a call only if a 32-bit argument has this value under a mask.
static void narrow(struct program *program, unsigned call, unsigned argument, unsigned mask, unsigned value) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, call);
    load(program, offsetof(struct seccomp_data, args[argument]));
    add(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, SECCOMP_RET_KILL_PROCESS);
}

static void begin(struct program *program) {
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
    // Signals stay in this process, and writable memory is never executable.
    narrow(program, SYS_tgkill, 0, ~0u, (unsigned)getpid());
    narrow(program, SYS_mmap, 2, PROT_EXEC, 0);
    narrow(program, SYS_mprotect, 2, PROT_EXEC, 0);
    // malloc reads the overcommit mode when it trims, and the number of processors when it grows; it accepts an error.
    refuse(program, SYS_openat, EACCES);
    refuse(program, SYS_sched_getaffinity, EPERM);
    for (int i = 0; i < common_count; i++) allow(program, (unsigned)common_calls[i]);
}

static int enter(struct program *program) {
    answer(program, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog whole = {program->length, program->steps};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0);
}

int ckvm_allow_processor(void) {
    struct program program = {.length = 0};
    begin(&program);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_ioctl);
    answer(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, args[1]));
    for (int i = 0; i < request_count; i++) allow(&program, processor_requests[i]);
    return enter(&program);
}

int ckvm_allow_devices(void) {
    struct program program = {.length = 0};
    begin(&program);
    // A guest's connection to the host goes to a UNIX socket, by the vsock convention.
    narrow(&program, SYS_socket, 0, ~0u, AF_UNIX);
    for (int i = 0; i < device_count; i++) allow(&program, (unsigned)device_calls[i]);
    return enter(&program);
}

// Any ioctl of KVM, by the type in its number (asm-generic/ioctl.h): only the machine's own descriptors accept them.
enum { request_kind = _IOC_TYPEMASK << _IOC_TYPESHIFT, kvm_requests = KVMIO << _IOC_TYPESHIFT };

int ckvm_allow_machine(void) {
    struct program program = {.length = 0};
    begin(&program);
    // Threads, but no processes. Without clone3 the C library uses clone, whose flags a filter can check.
    narrow(&program, SYS_clone, 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
    refuse(&program, SYS_clone3, ENOSYS);
    refuse(&program, SYS_socket, EPERM);
    narrow(&program, SYS_ioctl, 1, request_kind, kvm_requests);
    for (int i = 0; i < process_count; i++) allow(&program, (unsigned)process_calls[i]);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_prctl);
    answer(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, args[0]));
    allow(&program, PR_SET_NO_NEW_PRIVS);
    allow(&program, PR_SET_SECCOMP);
    return enter(&program);
}
