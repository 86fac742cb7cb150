// Namespaces: new ones by each of the three calls, existing ones by setns, and the ID maps of users.
#include "probe.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static long unshare_all(unsigned long flags) { return unshare((int)flags); }
static long unshare_user(void) { return unshare_all(CLONE_NEWUSER); }
static long unshare_mount(void) { return unshare_all(CLONE_NEWNS); }
static long unshare_pid(void) { return unshare_all(CLONE_NEWPID); }
static long unshare_net(void) { return unshare_all(CLONE_NEWNET); }
static long unshare_ipc(void) { return unshare_all(CLONE_NEWIPC); }
static long unshare_uts(void) { return unshare_all(CLONE_NEWUTS); }
static long unshare_cgroup(void) { return unshare_all(CLONE_NEWCGROUP); }
static long unshare_time(void) { return unshare_all(0x80 /* CLONE_NEWTIME */); }

// The raw system call: the C library's clone needs a stack.
static long clone_into(unsigned long flags) {
    long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    return child < 0 ? -1 : waitpid((pid_t)child, NULL, 0);
}
static long clone_user(void) { return clone_into(CLONE_NEWUSER); }
static long clone_mount(void) { return clone_into(CLONE_NEWNS); }
static long clone_pid(void) { return clone_into(CLONE_NEWPID); }
static long clone_net(void) { return clone_into(CLONE_NEWNET); }
static long clone_ipc(void) { return clone_into(CLONE_NEWIPC); }
static long clone_uts(void) { return clone_into(CLONE_NEWUTS); }
static long clone_cgroup(void) { return clone_into(CLONE_NEWCGROUP); }

static long clone3_into(unsigned long long flags) {
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return child < 0 ? -1 : waitpid((pid_t)child, NULL, 0);
}
static long clone3_user(void) { return clone3_into(CLONE_NEWUSER); }
static long clone3_mount(void) { return clone3_into(CLONE_NEWUSER | CLONE_NEWNS); }
static long clone3_time(void) { return clone3_into(0x80 /* CLONE_NEWTIME */); }

static long enter(const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -1 : setns(descriptor, 0);
}
// A process is always in its own user namespace: EINVAL comes after the filter.
static long setns_user(void) { return enter("user"); }
static long setns_mount(void) { return enter("mnt"); }
static long setns_pid(void) { return enter("pid"); }
static long setns_net(void) { return enter("net"); }
static long setns_ipc(void) { return enter("ipc"); }
static long setns_uts(void) { return enter("uts"); }
static long setns_cgroup(void) { return enter("cgroup"); }

static long setns_process(void) {
    int descriptor = (int)syscall(SYS_pidfd_open, getppid() ? getppid() : 1, 0);
    return descriptor < 0 ? -1 : setns(descriptor, CLONE_NEWNS | CLONE_NEWUTS);
}

static long write_text(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    ssize_t count = write(descriptor, text, strlen(text));
    int error = errno;
    close(descriptor);
    errno = error;
    return count < 0 ? -1 : 0;
}
static long write_uid_map(void) { return write_text("/proc/self/uid_map", "0 0 4294967295"); }
static long write_gid_map(void) { return write_text("/proc/self/gid_map", "0 0 4294967295"); }
static long write_setgroups(void) { return write_text("/proc/self/setgroups", "deny"); }
static long write_clocks(void) { return write_text("/proc/self/timens_offsets", "monotonic 1 0"); }

const struct attempt namespace_attempts[] = {
    {"unshare-user", unshare_user, {0}},
    {"unshare-mount", unshare_mount, {0}},
    {"unshare-pid", unshare_pid, {0}},
    {"unshare-net", unshare_net, {0}},
    {"unshare-ipc", unshare_ipc, {0}},
    {"unshare-uts", unshare_uts, {0}},
    {"unshare-cgroup", unshare_cgroup, {0}},
    {"unshare-time", unshare_time, {0}},
    {"clone-user", clone_user, {0}},
    {"clone-mount", clone_mount, {0}},
    {"clone-pid", clone_pid, {0}},
    {"clone-net", clone_net, {0}},
    {"clone-ipc", clone_ipc, {0}},
    {"clone-uts", clone_uts, {0}},
    {"clone-cgroup", clone_cgroup, {0}},
    {"clone3-user", clone3_user, {0}},
    {"clone3-mount", clone3_mount, {0}},
    {"clone3-time", clone3_time, {0}},
    {"setns-user", setns_user, {EINVAL}},
    {"setns-mount", setns_mount, {EINVAL}},
    {"setns-pid", setns_pid, {0}},
    {"setns-net", setns_net, {0}},
    {"setns-ipc", setns_ipc, {0}},
    {"setns-uts", setns_uts, {0}},
    {"setns-cgroup", setns_cgroup, {0}},
    {"setns-pidfd", setns_process, {EINVAL}},
    {"write-uid-map", write_uid_map, {0}},
    {"write-gid-map", write_gid_map, {0}},
    {"write-setgroups", write_setgroups, {0}},
    {"write-clock-offsets", write_clocks, {0}},
    {0},
};
