// Calls that affect the whole kernel. Each is made so that it changes nothing if it is allowed.
#include "probe.h"

#include <linux/bpf.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>

static long bpf_map(void) {
    union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}
static long bpf_program(void) {
    struct bpf_insn code[] = {{.code = 0xb7}, {.code = 0x95}};
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_KPROBE, .insns = (unsigned long)code, .insn_cnt = 2, .license = (unsigned long)"GPL"};
    return syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}
static long perf(void) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
    return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static long io_uring(void) {
    unsigned parameters[30] = {0};
    return syscall(SYS_io_uring_setup, 4, parameters);
}
static long io_uring_enter(void) { return syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0); }
static long io_uring_register(void) { return syscall(SYS_io_uring_register, -1, 0, NULL, 0); }
static long keyring(void) { return syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3, 1); }
static long join_session(void) { return syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL); }
static long add_key(void) { return syscall(SYS_add_key, "user", "thaw-attack", "x", 1, -2); }
static long request_key(void) { return syscall(SYS_request_key, "user", "thaw-attack-none", NULL, 0); }
static long user_faults(void) { return syscall(SYS_userfaultfd, 0); }
static long user_faults_only(void) { return syscall(SYS_userfaultfd, 1); }
static long kexec(void) { return syscall(SYS_kexec_load, 0, 1UL << 20, NULL, ~0UL); }
static long kexec_file(void) { return syscall(320 /* kexec_file_load */, -1, -1, 0, NULL, ~0UL); }
static long init_module(void) { return syscall(SYS_init_module, NULL, 0, ""); }
static long finit_module(void) { return syscall(SYS_finit_module, -1, "", 0); }
static long delete_module(void) { return syscall(SYS_delete_module, "thaw_attack_none", O_NONBLOCK); }
static long reboot_nothing(void) { return syscall(SYS_reboot, 0, 0, 0, NULL); }
static long swap_on(void) { return syscall(SYS_swapon, "/out/none", 0); }
static long swap_off(void) { return syscall(SYS_swapoff, "/out/none"); }
static long read_log(void) {
    char text[256];
    return syscall(SYS_syslog, 3, text, sizeof text);
}
static long console_level(void) { return syscall(SYS_syslog, 8, NULL, 99); }
static long io_privilege(void) { return syscall(SYS_iopl, 3); }
static long io_ports(void) { return syscall(SYS_ioperm, 0x80, 1, 1); }
static long set_clock(void) {
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) != 0 ? -1 : syscall(SYS_clock_settime, CLOCK_REALTIME, &now);
}
static long set_time(void) { return syscall(SYS_settimeofday, NULL, &(struct timezone){0}); }
static long adjust(int (*call)(struct timex *)) {
    struct timex state = {0};
    if (call(&state) < 0) return -1;
    state.modes = ADJ_TICK;
    return call(&state);
}
static int adjust_real(struct timex *state) { return clock_adjtime(CLOCK_REALTIME, state); }
static long adjust_time(void) { return adjust(adjtimex); }
static long adjust_clock(void) { return adjust(adjust_real); }
static long account(void) { return syscall(SYS_acct, "/out/none"); }
static long quota(void) { return syscall(SYS_quotactl, 0x800002 << 8, "/dev/null", 0, NULL); }
static long quota_file(void) { return syscall(SYS_quotactl_fd, -1, 0x800002 << 8, 0, NULL); }
static long handle(void) {
    union {
        struct file_handle head;
        char bytes[sizeof(struct file_handle) + 128];
    } file = {.head.handle_bytes = 128};
    int mount, place = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place < 0 || name_to_handle_at(place, "", &file.head, &mount, AT_EMPTY_PATH) != 0) return -1;
    return open_by_handle_at(place, &file.head, O_RDONLY);
}
static long name_handle(void) {
    union {
        struct file_handle head;
        char bytes[sizeof(struct file_handle) + 128];
    } file = {.head.handle_bytes = 128};
    int mount;
    return name_to_handle_at(AT_FDCWD, "/dev/shm", &file.head, &mount, 0);
}
static long watch_all(void) { return syscall(SYS_fanotify_init, 0, O_RDONLY); }
static long watch_names(void) { return syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY); }
static long no_random(void) { return syscall(SYS_personality, 0x40000 /* ADDR_NO_RANDOMIZE */); }
static long read_implies_exec(void) { return syscall(SYS_personality, 0x400000); }

static pid_t sleeper(void) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    return child;
}
static long with_sleeper(long (*attack)(pid_t)) {
    pid_t child = sleeper();
    if (child < 0) return -1;
    long result = attack(child);
    int error = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = error;
    return result;
}
static long seize(pid_t child) { return ptrace(PTRACE_SEIZE, child, NULL, NULL); }
static long read_memory(pid_t child) {
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)(unsigned long)&handle, 1};
    return process_vm_readv(child, &here, 1, &there, 1, 0);
}
static long write_memory(pid_t child) {
    static char place;
    struct iovec here = {"x", 1}, there = {&place, 1};
    return process_vm_writev(child, &here, 1, &there, 1, 0);
}
static long compare(pid_t child) { return syscall(SYS_kcmp, getpid(), child, KCMP_FILE, 0, 0); }
static long take_file(pid_t child) {
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    return process < 0 ? -1 : syscall(SYS_pidfd_getfd, process, 0, 0);
}
static long advise(pid_t child) {
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    struct iovec none = {0};
    return process < 0 ? -1 : syscall(440 /* process_madvise */, process, &none, 1, MADV_COLD, 0);
}
static long trace_child(void) { return with_sleeper(seize); }
static long trace_first(void) { return getpid() == 1 ? 0 : ptrace(PTRACE_SEIZE, 1, NULL, NULL); }
static long read_child(void) { return with_sleeper(read_memory); }
static long write_child(void) { return with_sleeper(write_memory); }
static long compare_child(void) { return with_sleeper(compare); }
static long take_from_child(void) { return with_sleeper(take_file); }
static long advise_child(void) { return with_sleeper(advise); }
static long memory_policy(void) { return syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0); }
static long set_policy(void) { return syscall(SYS_set_mempolicy, 0, NULL, 0); }
static long move_pages(void) { return syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0); }
static long hang_up(void) {
    // If it were allowed, the terminal would be lost: only the filter's result matters.
    setsid();
    return syscall(SYS_vhangup);
}
static long cookie(void) { return syscall(SYS_lookup_dcookie, 0ULL, NULL, 0); }
static long sysfs_call(void) { return syscall(SYS_sysfs, 3); }
static long use_library(void) { return syscall(SYS_uselib, "/out/none"); }
static long old_stat(void) {
    char space[128];
    return syscall(SYS_ustat, 0, space);
}
static long security_attribute(void) { return syscall(SYS_lsm_set_self_attr, 0, NULL, 0, 0); }
static long descriptor_table(void) { return syscall(SYS_modify_ldt, 0, NULL, 0); }

const struct attempt kernel_attempts[] = {
    {"bpf-map", bpf_map, {0}},
    {"bpf-program", bpf_program, {EINVAL}},
    {"perf-event-open", perf, {0}},
    {"io-uring-setup", io_uring, {0}},
    {"io-uring-enter", io_uring_enter, {EBADF}},
    {"io-uring-register", io_uring_register, {EBADF, EINVAL}},
    {"keyctl-keyring", keyring, {ENOKEY}},
    {"keyctl-join-session", join_session, {0}},
    {"add-key", add_key, {0}},
    {"request-key", request_key, {ENOKEY}},
    {"userfaultfd", user_faults, {0}},
    {"userfaultfd-user-mode", user_faults_only, {0}},
    {"kexec-load", kexec, {EINVAL}},
    {"kexec-file-load", kexec_file, {EINVAL, EBADF}},
    {"init-module", init_module, {EFAULT, ENOEXEC}},
    {"finit-module", finit_module, {EBADF}},
    {"delete-module", delete_module, {ENOENT}},
    {"reboot", reboot_nothing, {EINVAL}},
    {"swapon", swap_on, {ENOENT}},
    {"swapoff", swap_off, {ENOENT}},
    {"syslog-read", read_log, {0}},
    {"syslog-console-level", console_level, {EINVAL}},
    {"iopl", io_privilege, {0}},
    {"ioperm", io_ports, {0}},
    {"clock-settime", set_clock, {0}},
    {"settimeofday", set_time, {0}},
    {"adjtimex", adjust_time, {0}},
    {"clock-adjtime", adjust_clock, {0}},
    {"acct", account, {ENOENT}},
    {"quotactl", quota, {ENOTBLK, ENODEV, ESRCH, EINVAL}},
    {"quotactl-fd", quota_file, {EBADF}},
    {"open-by-handle-at", handle, {0}},
    {"name-to-handle-at", name_handle, {0}},
    {"fanotify-init", watch_all, {0}},
    {"fanotify-init-fid", watch_names, {0}},
    {"personality-no-randomize", no_random, {0}},
    {"personality-read-exec", read_implies_exec, {0}},
    {"ptrace-child", trace_child, {0}},
    {"ptrace-first", trace_first, {0}},
    {"process-vm-readv", read_child, {0}},
    {"process-vm-writev", write_child, {0}},
    {"kcmp", compare_child, {0}},
    {"pidfd-getfd", take_from_child, {0}},
    {"process-madvise", advise_child, {0}},
    {"get-mempolicy", memory_policy, {0}},
    {"set-mempolicy", set_policy, {0}},
    {"move-pages", move_pages, {0}},
    {"vhangup", hang_up, {0}},
    {"lookup-dcookie", cookie, {EINVAL, EFAULT}},
    {"sysfs-call", sysfs_call, {0}},
    {"uselib", use_library, {ENOENT}},
    {"ustat", old_stat, {EINVAL}},
    {"lsm-set-self-attr", security_attribute, {EINVAL}},
    {"modify-ldt", descriptor_table, {0}},
    {0},
};
