// The two children between clone and exec. Both share the parent's memory until exec (CLONE_VM, CLONE_VFORK). So they
// allocate nothing, take no lock, and make raw system calls where the C library would signal other threads.
//
//     parent's thread            outer child                        inner child, PID 1 of its PID namespace
//     ───────────────            ───────────                        ───────────────────────────────────────
//     clone ───────────────────► outer steps: enter groups,
//                                network and user namespace
//                                clone (CLONE_PARENT) ────────────► close descriptors, mounts, devices, identity,
//     continue ◄──────────────── exit ◄──────────────────────────── seccomp, execute the launcher
//
// The outer child is in the anchor's PID namespace, so the inner child's namespace is made inside it. For that, a first
// child enters the anchor's namespace for its own children and clones the outer child. The outer child shares the
// parent's descriptors (CLONE_FILES), where the kernel puts the inner child's pidfd. CLONE_PARENT makes all of them
// children of the parent's process, which waits for them.
#define _GNU_SOURCE
#include "CLinux.h"
#include "MountPoints.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef const struct clinux_child *Child;
typedef const struct clinux_step *Step;

#define STACK_SIZE (256 * 1024)

// MARK: Steps

// Closes the parent's other descriptors: a path of the container might reach them through /proc.
static int keep(Step step) {
    unsigned from = 3;
    for (unsigned index = 0; index < step->mode; index++) {
        unsigned kept = step->list[index];
        if (kept > from && syscall(SYS_close_range, from, kept - 1, 0) != 0) return -1;
        if (kept >= from) from = kept + 1;
    }
    return (int)syscall(SYS_close_range, from, ~0U, 0);
}

// Replaces a descriptor of a file in an attached mount with a new bind mount of that file.
static int clone_place(Step step) {
    // Not recursive: another stack may be mounted at the same place.
    int tree = open_tree(step->descriptor, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) return -1;
    if (step->flags && clinux_mount_setattr(tree, 1, step->flags, 0) != 0) return -1;
    return dup3(tree, step->descriptor, O_CLOEXEC) < 0 ? -1 : close(tree);
}

// In v1, each controller has a file of its own. Only there, and only for a single thread, does the move not block.
static int join_group(int file) { return write(file, "0", 1) == 1 ? 0 : -1; }

static int filter(Step step) {
    struct sock_fprog program = {
        .len = (unsigned short)step->mode,
        .filter = (struct sock_filter *)step->list,
    };
    unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (step->descriptor < 0) return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    return listener < 0 ? -1 : clinux_send_descriptor(step->descriptor, listener);
}

static int enter(int root) {
    if (fchdir(root) != 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") != 0) return -1;
    return chdir("/");
}

static int change_root(int root) {
    if (fchdir(root) != 0 || chroot(".") != 0) return -1;
    return chdir("/");
}

static int mount_step(Step step) {
    if (mount(step->source, step->path, step->type, step->flags, step->data) == 0) return 0;
    if (errno != EPERM || step->descriptor < 0) return -1;
    return clinux_place(step->descriptor, step->path);
}

static int make_node(Step step) {
    if (mknod(step->path, step->mode, (dev_t)step->flags) == 0) return chmod(step->path, step->mode & 07777);
    return -1;
}

static int owned_directory(Step step) {
    const char *name;
    int parent = clinux_resolve_parent(step->path, &name);
    if (parent < 0) return -1;
    int result = mkdirat(parent, name, 0755);
    if (result == 0) result = fchownat(parent, name, (uid_t)step->flags, (gid_t)step->more, AT_SYMLINK_NOFOLLOW);
    int error = errno;
    close(parent);
    errno = error;
    return result != 0 && error == EEXIST ? 0 : result;
}

static int directory(const char *path) {
    int found = clinux_resolve(path, O_DIRECTORY);
    if (found < 0) return -1;
    int result = fchdir(found);
    int error = errno;
    close(found);
    errno = error;
    return result;
}

// Hides a file with a mount of an empty file, and a directory with an empty file system.
static int mask(Step step) {
    struct stat found;
    if (stat(step->path, &found) != 0) return errno == ENOENT ? 0 : -1;
    if (!S_ISDIR(found.st_mode)) return clinux_place(step->descriptor, step->path);
    return mount("tmpfs", step->path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k");
}

static int protect(const char *path) {
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0) return errno == ENOENT ? 0 : -1;
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount(NULL, path, NULL, flags, NULL);
}

// Podman's seccomp profile allows namespaces but denies sethostname: then the outer host name stays.
static int set_host_name(const char *name) {
    return sethostname(name, strlen(name)) == 0 || errno == EPERM || errno == ENOSYS ? 0 : -1;
}

static int loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int result = ioctl(descriptor, SIOCSIFFLAGS, &request);
    close(descriptor);
    return result;
}

static uint64_t smaller(uint64_t one, uint64_t other) { return one < other ? one : other; }

// If the limits of this process are lower and can't be raised, they stay.
static int limit(Step step) {
    uint64_t value[2] = {step->flags, step->more}, now[2];
    if (syscall(SYS_prlimit64, 0, step->mode, value, NULL) == 0) return 0;
    if (errno != EPERM || syscall(SYS_prlimit64, 0, step->mode, NULL, now) != 0) return -1;
    value[1] = smaller(value[1], now[1]);
    value[0] = smaller(value[0], value[1]);
    return (int)syscall(SYS_prlimit64, 0, step->mode, value, NULL);
}

static int affinity(Step step) {
    return syscall(SYS_sched_setaffinity, 0, step->mode * sizeof *step->list, step->list) < 0 ? -1 : 0;
}

static int bound(uint64_t kept) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    for (int capability = 0; capability < 64; capability++) {
        // A capability that is not in the set needs no permission to be dropped.
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held < 0) return errno == EINVAL ? 0 : -1;
        if (!held || kept >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return -1;
    }
    return 0;
}

static int contains(const uint32_t *list, long count, uint32_t number) {
    while (count > 0 && list[count - 1] != number) count--;
    return count > 0;
}

// A process that may not change its groups may already have the right ones. The kernel sorts them. The first one wanted
// is the primary group, which the process gets anyway.
static int groups(Step step) {
    if (syscall(SYS_setgroups, step->mode, step->list) == 0) return 0;
    uint32_t now[64];
    if (errno != EPERM) return -1;
    long count = syscall(SYS_getgroups, 64, now);
    int is_same = count >= 0;
    for (long index = 0; index < count; index++) is_same &= contains(step->list, step->mode, now[index]);
    for (uint32_t index = 1; index < step->mode; index++) is_same &= contains(now, count, step->list[index]);
    return is_same ? 0 : (errno = EPERM, -1);
}

// In the new user namespace this process still has its old IDs, which aren't mapped there.
static int become_root(void) {
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -1;
    if (syscall(SYS_setresgid, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_setresuid, 0, 0, 0);
}

static int identity(Step step) {
    if (syscall(SYS_setresgid, step->more, step->more, step->more) != 0) return -1;
    return (int)syscall(SYS_setresuid, step->flags, step->flags, step->flags);
}

// The capabilities must be inheritable to be ambient, and ambient to stay with a user that isn't root.
static int keep_identity(Step step) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{step->mode, step->mode, step->mode}};
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || identity(step) != 0) return -1;
    if (syscall(SYS_capset, &header, data) != 0) return -1;
    for (int capability = 0; capability < 32; capability++) {
        if (!(step->mode >> capability & 1)) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return -1;
    }
    return 0;
}

static int capabilities(uint64_t kept) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2], data[2] = {0};
    if (syscall(SYS_capget, &header, now) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        data[half].permitted = now[half].permitted & (uint32_t)(kept >> (32 * half));
        data[half].effective = data[half].permitted;
    }
    return (int)syscall(SYS_capset, &header, data);
}

static int perform(Child child, Step step) {
    switch (step->kind) {
        case clinux_step_isolate_mounts: return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        case clinux_step_attach: return clinux_move_mount(step->descriptor, AT_FDCWD, step->path);
        case clinux_step_keep: return keep(step);
        case clinux_step_clone: return clone_place(step);
        case clinux_step_place: return clinux_place(step->descriptor, step->path);
        case clinux_step_join_group: return join_group(step->descriptor);
        case clinux_step_join_namespace: return setns(step->descriptor, (int)step->flags);
        case clinux_step_terminal: return ioctl(step->descriptor, TIOCSCTTY, 0);
        case clinux_step_filter: return filter(step);
        case clinux_step_enter: return enter(step->descriptor);
        case clinux_step_leave: return umount2(step->path, MNT_DETACH);
        case clinux_step_chroot: return change_root(step->descriptor);
        case clinux_step_mount: return mount_step(step);
        case clinux_step_stub_directory: return clinux_stub(child->report, step->path, 1);
        case clinux_step_true_directory: return clinux_true_directory(child->report, step->path);
        case clinux_step_stub_file: return clinux_stub(child->report, step->path, 0);
        case clinux_step_make_directory: return mkdir(step->path, step->mode);
        case clinux_step_make_node: return make_node(step);
        case clinux_step_make_link: return symlink(step->source, step->path);
        case clinux_step_owned_directory: return owned_directory(step);
        case clinux_step_mask: return mask(step);
        case clinux_step_protect: return protect(step->path);
        case clinux_step_hostname: return set_host_name(step->path);
        case clinux_step_loopback: return loopback();
        case clinux_step_affinity: return affinity(step);
        case clinux_step_limit: return limit(step);
        case clinux_step_bound: return bound(step->flags);
        case clinux_step_groups: return groups(step);
        case clinux_step_become_root: return become_root();
        case clinux_step_identity: return identity(step);
        case clinux_step_keep_identity: return keep_identity(step);
        case clinux_step_capabilities: return capabilities(step->flags);
        case clinux_step_directory: return directory(step->path);
        case clinux_step_no_new_privileges: return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        default: return errno = ENOSYS, -1;
    }
}

// MARK: The command

// Makes the kernel kill this process when the thread that started it ends. Fails if the parent has already ended: then
// this process has another parent, or the status pipe has no reader. In a PID namespace of its own, getppid returns 0.
static int follow_parent(int status, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
    pid_t now = (pid_t)syscall(SYS_getppid);
    if (now != 0 && now != parent) return errno = ESRCH, -1;
    struct pollfd reader = {.fd = status, .events = POLLOUT};
    if (poll(&reader, 1, 0) >= 0 && reader.revents & POLLERR) return errno = ESRCH, -1;
    return 0;
}

// Installs the streams as descriptors 0 to 2 and the status pipe as the launcher's, and closes all others at exec.
static int take_streams(Child child) {
    // A descriptor below 4 could be overwritten before its use.
    int status = fcntl(child->status, F_DUPFD_CLOEXEC, 4);
    if (status < 0) return -1;
    for (int number = 0; number < 3; number++) {
        if (dup2(child->streams[number], number) < 0) return -1;
    }
    if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return -1;
    return dup2(status, clinux_launcher_status) < 0 ? -1 : 0;
}

// Does the steps from `first` up to, but not including, `last`; reports the first that fails.
static int perform_all(Child child, size_t first, size_t last) {
    for (size_t index = first; index < last; index++) {
        if (perform(child, &child->steps[index]) == 0) continue;
        struct clinux_report report = {
            .kind = clinux_report_failure, .step = (int32_t)index, .error = errno};
        clinux_send_report(child->report, &report, NULL);
        return -1;
    }
    return 0;
}

static void fail_at_end(Child child) {
    struct clinux_report report = {
        .kind = clinux_report_failure, .step = (int32_t)child->step_count, .error = errno};
    clinux_send_report(child->report, &report, NULL);
}

static int inner_main(void *argument) {
    Child child = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    umask(022);
    if (perform_all(child, child->outer_count, child->step_count) == 0) {
        if (follow_parent(child->status, child->parent) == 0 && take_streams(child) == 0) {
            clinux_reset_signals();
            syscall(SYS_execveat, child->launcher, "", child->arguments, child->environment, AT_EMPTY_PATH);
        }
        fail_at_end(child);
    }
    _exit(127);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// clone3 with a separate stack; the C library has a wrapper only for its own use. Returns only in the parent.
static long clone3(struct clone_args *arguments, int (*function)(void *), void *argument) {
#if defined(__x86_64__)
    register long result __asm__("rax") = SYS_clone3;
    register void *first __asm__("rdi") = arguments;
    register size_t second __asm__("rsi") = sizeof *arguments;
    register int (*called)(void *) __asm__("rdx") = function;
    register void *passed __asm__("r8") = argument;
    __asm__ volatile(
        "syscall\n\t"
        "testq %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xorl %%ebp, %%ebp\n\t"
        "movq %%r8, %%rdi\n\t"
        "callq *%%rdx\n\t"
        "hlt\n\t"
        "1:"
        : "+r"(result)
        : "r"(first), "r"(second), "r"(called), "r"(passed)
        : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long result __asm__("x0") = (long)arguments;
    register size_t second __asm__("x1") = sizeof *arguments;
    register int (*called)(void *) __asm__("x2") = function;
    register void *passed __asm__("x3") = argument;
    register long number __asm__("x8") = SYS_clone3;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, x3\n\t"
        "blr x2\n\t"
        "brk #1\n\t"
        "1:"
        : "+r"(result)
        : "r"(second), "r"(called), "r"(passed), "r"(number)
        : "memory", "cc");
#else
    long result = -ENOSYS;
    (void)arguments, (void)function, (void)argument;
#endif
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}

int clinux_has_clone3(void) { return syscall(SYS_clone3, NULL, 0) < 0 && errno != ENOSYS; }

// Clones the inner child, directly into a group of cgroup v2 if there is one: then it is never in another group.
static int start_inner(struct clinux_child *child) {
    char *stack = child->stacks + 3 * STACK_SIZE;
    uint64_t flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | child->namespaces;
    if (child->group < 0) return clone(inner_main, stack, (int)flags | SIGCHLD, child, &child->pidfd);
    struct clone_args arguments = {
        .flags = flags | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)&child->pidfd,
        .stack = (uint64_t)(uintptr_t)(stack - STACK_SIZE),
        .stack_size = STACK_SIZE,
        .cgroup = (uint64_t)child->group,
    };
    return (int)clone3(&arguments, inner_main, child);
}

static int outer_main(void *argument) {
    struct clinux_child *child = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (perform_all(child, 0, child->outer_count) == 0) {
        if (start_inner(child) < 0) fail_at_end(child);
    }
    _exit(0);
}

// Clones the outer child into the anchor's PID namespace.
static int first_main(void *argument) {
    struct clinux_child *child = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PARENT | SIGCHLD;
    if (setns(child->anchor, CLONE_NEWPID) == 0) {
        child->outer = clone(outer_main, child->stacks + 2 * STACK_SIZE, flags, child);
    }
    if (child->outer < 0) fail_at_end(child);
    _exit(0);
}

// Runs `function` in a child that shares this process's memory, and waits for the child's exit or exec. Returns its
// pid, or -1. All signals are blocked meanwhile: a handler must not run in the child.
static int run_child(int (*function)(void *), void *argument, char *stack_end, int flags, int *pidfd) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    int process = clone(function, stack_end, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, argument, pidfd);
    int error = errno;
    // A child that changes its IDs makes the shared memory undumpable.
    if (dumpable == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return errno = error, process;
}

static void wait_for(int process) {
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
}

static char *make_stacks(int count) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK;
    char *stacks = mmap(NULL, (size_t)count * STACK_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    return stacks == MAP_FAILED ? NULL : stacks;
}

int clinux_start(struct clinux_child *child, int64_t *cloned_at) {
    child->stacks = make_stacks(3);
    if (!child->stacks) return -1;
    child->pidfd = child->outer = -1;
    child->parent = getpid();
    *cloned_at = now();
    int (*function)(void *) = child->anchor < 0 ? outer_main : first_main;
    int first = run_child(function, child, child->stacks + STACK_SIZE, CLONE_FILES, NULL);
    int error = errno;
    if (first >= 0) wait_for(first);
    if (child->outer >= 0) wait_for(child->outer);
    munmap(child->stacks, 3 * STACK_SIZE);
    return errno = error, first < 0 ? -1 : 0;
}

// MARK: The anchor

// The anchor's pidfd; a signal handler reads it.
static volatile sig_atomic_t anchor_process = -1;
static volatile sig_atomic_t is_ending = 0;

int clinux_is_ending(void) { return is_ending; }

struct anchor {
    int holder;
    int status;
};

static int anchor_main(void *argument) {
    const struct anchor *anchor = argument;
    char *words[] = {"thaw-containers", NULL}, *none[] = {NULL};
    setsid();
    if (chdir("/") != 0 || follow_parent(anchor->status, 0) != 0) _exit(127);
    syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC);
    clinux_reset_signals();
    syscall(SYS_execveat, anchor->holder, "", words, none, AT_EMPTY_PATH);
    _exit(127);
}

int clinux_start_anchor(int holder, int status) {
    struct anchor anchor = {holder, status};
    char *stack = make_stacks(1);
    if (!stack) return -1;
    int pidfd = -1;
    int process = run_child(anchor_main, &anchor, stack + STACK_SIZE, CLONE_NEWPID | CLONE_PIDFD, &pidfd);
    int error = errno;
    munmap(stack, STACK_SIZE);
    if (process < 0) return errno = error, -1;
    anchor_process = pidfd;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", process);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int clinux_end_containers(int milliseconds) {
    int pidfd = anchor_process;
    is_ending = 1;
    if (pidfd < 0) return 1;
    clinux_pidfd_signal(pidfd, SIGKILL);
    // The anchor's pidfd is readable once every process in its namespace has been reaped.
    for (int waited = 0; waited < milliseconds; waited += 5) {
        siginfo_t info;
        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {}
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        if (poll(&end, 1, 5) != 0) return 1;
    }
    return 0;
}

// MARK: Afterwards

int clinux_wait(int pidfd, int *value) {
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0) {
        if (errno != EINTR) return -1;
    }
    *value = info.si_status;
    return info.si_code == CLD_EXITED ? 0 : 1;
}

int clinux_pidfd_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }

// The namespace that a child opens for its parent: both share memory and descriptors.
struct opened {
    int users;
    int descriptor;
    int error;
};

static int open_network(void *argument) {
    struct opened *opened = argument;
    int result = opened->users < 0 ? 0 : setns(opened->users, CLONE_NEWUSER);
    if (result == 0) result = unshare(CLONE_NEWNET);
    if (result == 0) opened->descriptor = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    opened->error = errno;
    _exit(0);
}

int clinux_make_network(int users) {
    char *stack = make_stacks(1);
    if (!stack) return -1;
    struct opened opened = {users, -1, 0};
    // In a child: a thread that enters a new network may not be allowed to return.
    int process = run_child(open_network, &opened, stack + STACK_SIZE, CLONE_FILES, NULL);
    int error = process < 0 ? errno : opened.error;
    if (process >= 0) wait_for(process);
    munmap(stack, STACK_SIZE);
    errno = error;
    return opened.descriptor;
}

// MARK: User namespaces

static int wait_main(void *argument) {
    const int *holder = argument;
    char *words[] = {"thaw-users", NULL}, *none[] = {NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC);
    syscall(SYS_execveat, *holder, "", words, none, AT_EMPTY_PATH);
    _exit(127);
}

static int write_map(int process, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t size = (ssize_t)strlen(text);
    int result = write(file, text, (size_t)size) == size ? 0 : -1;
    int error = errno;
    close(file);
    return errno = error, result;
}

int clinux_make_users(int holder, const char *map) {
    char *stack = make_stacks(1);
    if (!stack) return -1;
    int process = run_child(wait_main, &holder, stack + STACK_SIZE, CLONE_NEWUSER, NULL);
    int error = errno, users = -1;
    munmap(stack, STACK_SIZE);
    if (process < 0) return errno = error, -1;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", process);
    if (write_map(process, "uid_map", map) == 0 && write_map(process, "gid_map", map) == 0) {
        users = open(path, O_RDONLY | O_CLOEXEC);
    }
    error = errno;
    kill(process, SIGKILL);
    wait_for(process);
    return errno = error, users;
}

// MARK: Mounts of detached mounts

struct made_mount {
    int base;
    const char *type;
    const struct clinux_option *options;
    size_t count;
    unsigned attributes;
    size_t failed;
    int mount;
    int error;
};

static int configure(struct made_mount *made, int context) {
    for (made->failed = 0; made->failed < made->count; made->failed++) {
        const struct clinux_option *option = &made->options[made->failed];
        int result = option->value ? clinux_fsconfig_string(context, option->key, option->value)
                                   : clinux_fsconfig_flag(context, option->key);
        if (result != 0) return -1;
    }
    if (clinux_fsconfig_create(context) != 0) return -1;
    return clinux_fsmount(context, made->attributes);
}

static int make_mount(struct made_mount *made) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    if (clinux_move_mount(made->base, AT_FDCWD, "/") != 0 || fchdir(made->base) != 0) return -1;
    int context = clinux_fsopen(made->type);
    if (context < 0) return -1;
    int result = configure(made, context), error = errno;
    // The parent shares this descriptor table.
    close(context);
    return errno = error, result;
}

static int make_mount_main(void *argument) {
    struct made_mount *made = argument;
    made->mount = make_mount(made);
    made->error = errno;
    _exit(0);
}

int clinux_make_mount_in(int base, const char *type, const struct clinux_option *options, size_t count,
                         unsigned attributes, size_t *failed) {
    char *stack = make_stacks(1);
    if (!stack) return -1;
    struct made_mount made = {base, type, options, count, attributes, count, -1, 0};
    int process = run_child(make_mount_main, &made, stack + STACK_SIZE, CLONE_FILES | CLONE_NEWNS, NULL);
    int error = process < 0 ? errno : made.error;
    if (process >= 0) wait_for(process);
    munmap(stack, STACK_SIZE);
    *failed = made.failed;
    return errno = error, made.mount;
}

int clinux_unlock_terminal(int master) {
    int locked = 0;
    return ioctl(master, TIOCSPTLCK, &locked);
}

// The terminals between which the signal handler copies the window size; one pair at a time.
static volatile sig_atomic_t size_from = -1, size_to = -1;

void clinux_copy_size(int from, int to) {
    struct winsize size;
    if (ioctl(from, TIOCGWINSZ, &size) == 0) ioctl(to, TIOCSWINSZ, &size);
}

static void copy_size(int signal) {
    (void)signal;
    int error = errno;
    clinux_copy_size(size_from, size_to);
    errno = error;
}

void clinux_follow_size(int from, int to) {
    size_from = from;
    size_to = to;
    struct sigaction action = {.sa_handler = from < 0 ? SIG_DFL : copy_size, .sa_flags = SA_RESTART};
    sigaction(SIGWINCH, &action, NULL);
    if (from >= 0) copy_size(SIGWINCH);
}

int clinux_enter_network(int descriptor) { return setns(descriptor, CLONE_NEWNET); }
