// The process itself: users, capabilities, limits, priorities, names.
#include "probe.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static long become_user(void) { return setresuid(1000, 1000, 1000); }
static long become_root(void) { return getuid() == 0 ? (errno = EALREADY, -1) : setresuid(0, 0, 0); }
static long become_group(void) { return setresgid(4242, 4242, 4242); }
static long set_groups(void) { return setgroups(1, (gid_t[]){0}); }

// Requests all capabilities for which the kernel has a bit, permitted and effective.
static long take_all_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{~0U, ~0U, 0}, {0x1ff, 0x1ff, 0}};
    return syscall(SYS_capset, &header, data);
}
static long take_capability(int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    data[capability / 32].permitted |= 1U << capability % 32;
    data[capability / 32].inheritable |= 1U << capability % 32;
    if (syscall(SYS_capset, &header, data) != 0) return -1;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}
static long take_admin(void) { return take_capability(CAP_SYS_ADMIN); }
static long take_trace(void) { return take_capability(CAP_SYS_PTRACE); }
static long take_module(void) { return take_capability(CAP_SYS_MODULE); }
static long take_search(void) { return take_capability(CAP_DAC_READ_SEARCH); }
static long take_raw_io(void) { return take_capability(CAP_SYS_RAWIO); }
static long take_net_admin(void) { return take_capability(CAP_NET_ADMIN); }
static long ambient_raw(void) { return take_capability(CAP_NET_RAW); }
static long secure_bits(void) { return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0); }
static long memory_map(void) { return prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0); }

static long raise(int resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return -1;
    // An unlimited resource can't be raised.
    if (limit.rlim_max == RLIM_INFINITY) return errno = EALREADY, -1;
    limit.rlim_cur = limit.rlim_max = limit.rlim_max + 1;
    return setrlimit(resource, &limit);
}
static long raise_files(void) { return raise(RLIMIT_NOFILE); }
static long raise_locked(void) { return raise(RLIMIT_MEMLOCK); }
static long raise_nice(void) { return raise(RLIMIT_NICE); }
static long raise_real_time(void) { return raise(RLIMIT_RTPRIO); }
static long raise_queues(void) { return raise(RLIMIT_MSGQUEUE); }

static long nicer(void) { return setpriority(PRIO_PROCESS, 0, -5); }
static long io_real_time(void) { return syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 4); }
static long real_time(int policy) { return sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = 1}); }
static long first_in(void) { return real_time(SCHED_FIFO); }
static long round_robin(void) { return real_time(SCHED_RR); }
static long deadline(void) {
    // The kernel's struct sched_attr; its header conflicts with the C library's.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {
        .size = 48, .policy = 6, .runtime = 1000000, .deadline = 1000000000, .period = 1000000000};
    return syscall(SYS_sched_setattr, 0, &attributes, 0);
}
static long host_name(void) { return sethostname("attacked", 8); }
static long domain_name(void) { return setdomainname("attacked", 8); }
static long group_first(void) { return setpgid(1, 1); }

const struct attempt identity_attempts[] = {
    {"setresuid-user", become_user, {0}},
    {"setresuid-root", become_root, {0}},
    {"setresgid", become_group, {0}},
    {"setgroups-root", set_groups, {0}},
    {"capset-all", take_all_capabilities, {0}},
    {"ambient-sys-admin", take_admin, {0}},
    {"ambient-sys-ptrace", take_trace, {0}},
    {"ambient-sys-module", take_module, {0}},
    {"ambient-dac-read-search", take_search, {0}},
    {"ambient-sys-rawio", take_raw_io, {0}},
    {"ambient-net-admin", take_net_admin, {0}},
    {"ambient-net-raw", ambient_raw, {0}},
    {"securebits", secure_bits, {0}},
    {"prctl-set-mm", memory_map, {EINVAL}},
    {"setrlimit-nofile", raise_files, {0}},
    {"setrlimit-memlock", raise_locked, {0}},
    {"setrlimit-nice", raise_nice, {0}},
    {"setrlimit-rtprio", raise_real_time, {0}},
    {"setrlimit-msgqueue", raise_queues, {0}},
    {"nice-negative", nicer, {0}},
    {"ioprio-real-time", io_real_time, {0}},
    {"sched-fifo", first_in, {0}},
    {"sched-round-robin", round_robin, {0}},
    {"sched-deadline", deadline, {EBUSY}},
    {"sethostname", host_name, {0}},
    {"setdomainname", domain_name, {0}},
    {"setpgid-first", group_first, {0}},
    {0},
};
