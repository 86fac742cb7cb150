// The child between clone and exec. It shares the parent's memory until exec (CLONE_VM, CLONE_VFORK), so it
// allocates nothing, takes no lock, and makes raw system calls where the C library would talk to other threads.
#define _GNU_SOURCE
#include "CLinux.h"
#include "MountPoints.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
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

// Closes what else the parent has open: a path of the container might reach it through /proc.
static int keep(Step step) {
    unsigned from = 3;
    for (unsigned index = 0; index < step->mode; index++) {
        unsigned kept = step->list[index];
        if (kept > from && syscall(SYS_close_range, from, kept - 1, 0) != 0) return -1;
        if (kept >= from) from = kept + 1;
    }
    return (int)syscall(SYS_close_range, from, ~0U, 0);
}

// A place in a mount that this namespace holds becomes a mount of its own, under the same number.
static int clone_place(Step step) {
    // Not with what is mounted on it: that may be another stack, which has the same place.
    int tree = open_tree(step->descriptor, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) return -1;
    if (step->flags && clinux_mount_setattr(tree, 1, step->flags, 0) != 0) return -1;
    return dup3(tree, step->descriptor, O_CLOEXEC) < 0 ? -1 : close(tree);
}

// Old groups have one file per controller; only there and only for one thread does moving wait for nobody.
static int join(int file) { return write(file, "0", 1) == 1 ? 0 : -1; }

static int filter(Step step) {
    struct sock_fprog program = {
        .len = (unsigned short)step->mode,
        .filter = (struct sock_filter *)step->list,
    };
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

static int enter(int root) {
    if (fchdir(root) != 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") != 0) return -1;
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

static int mask(const char *path) {
    if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT) return 0;
    if (errno != ENOTDIR) return -1;
    return mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k");
}

static int protect(const char *path) {
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0) return errno == ENOENT ? 0 : -1;
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount(NULL, path, NULL, flags, NULL);
}

static int loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int result = ioctl(descriptor, SIOCSIFFLAGS, &request);
    close(descriptor);
    return result;
}

static int limit(Step step) {
    struct rlimit value = {step->flags, step->more};
    return (int)syscall(SYS_prlimit64, 0, step->mode, &value, NULL);
}

static int affinity(Step step) {
    return syscall(SYS_sched_setaffinity, 0, step->mode * sizeof *step->list, step->list) < 0 ? -1 : 0;
}

static int bound(uint64_t kept) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    for (int capability = 0; capability < 64; capability++) {
        if (kept >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno == EINVAL ? 0 : -1;
    }
    return 0;
}

static int identity(Step step) {
    if (syscall(SYS_setresgid, step->more, step->more, step->more) != 0) return -1;
    return (int)syscall(SYS_setresuid, step->flags, step->flags, step->flags);
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
        case clinux_step_join: return join(step->descriptor);
        case clinux_step_unshare: return unshare((int)step->flags);
        case clinux_step_network: return setns(step->descriptor, CLONE_NEWNET);
        case clinux_step_terminal: return ioctl(step->descriptor, TIOCSCTTY, 0);
        case clinux_step_filter: return filter(step);
        case clinux_step_enter: return enter(step->descriptor);
        case clinux_step_leave: return umount2(step->path, MNT_DETACH);
        case clinux_step_mount: return mount_step(step);
        case clinux_step_stub_directory: return clinux_stub(child->status, step->path, 1);
        case clinux_step_true_directory: return clinux_true_directory(child->status, step->path);
        case clinux_step_stub_file: return clinux_stub(child->status, step->path, 0);
        case clinux_step_make_directory: return mkdir(step->path, step->mode);
        case clinux_step_make_node: return make_node(step);
        case clinux_step_make_link: return symlink(step->source, step->path);
        case clinux_step_owned_directory: return owned_directory(step);
        case clinux_step_mask: return mask(step->path);
        case clinux_step_protect: return protect(step->path);
        case clinux_step_hostname: return sethostname(step->path, strlen(step->path));
        case clinux_step_loopback: return loopback();
        case clinux_step_affinity: return affinity(step);
        case clinux_step_limit: return limit(step);
        case clinux_step_bound: return bound(step->flags);
        case clinux_step_groups: return (int)syscall(SYS_setgroups, step->mode, step->list);
        case clinux_step_identity: return identity(step);
        case clinux_step_capabilities: return capabilities(step->flags);
        case clinux_step_directory: return directory(step->path);
        case clinux_step_no_new_privileges: return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        default: return errno = ENOSYS, -1;
    }
}

// MARK: The command

// Looks the command up as execvp does, but never hands a file without #! to a shell.
static void run_command(Child child) {
    const char *name = child->arguments[0];
    if (strchr(name, '/')) {
        execve(name, child->arguments, child->environment);
        return;
    }
    char path[4096];
    int denied = 0;
    for (const char *at = child->search;; at++) {
        size_t length = strcspn(at, ":");
        const char *directory = length ? at : ".";
        size_t size = length ? length : 1;
        if (size + strlen(name) + 2 <= sizeof path) {
            memcpy(path, directory, size);
            path[size] = '/';
            strcpy(path + size + 1, name);
            execve(path, child->arguments, child->environment);
            if (errno == EACCES) denied = 1;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return;
        }
        at += length;
        if (!*at) break;
    }
    errno = denied ? EACCES : ENOENT;
}

static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Dies with the thread that started it. Had the parent gone before, nobody could read the status pipe any more.
static int follow_parent(int status) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
    struct pollfd reader = {.fd = status, .events = POLLOUT};
    if (poll(&reader, 1, 0) >= 0 && reader.revents & POLLERR) return errno = ESRCH, -1;
    return 0;
}

static int take_streams(Child child) {
    for (int number = 0; number < 3; number++) {
        if (dup2(child->streams[number], number) < 0) return -1;
    }
    // Also what other code of the parent may have left open.
    return (int)syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
}

static int child_main(void *argument) {
    Child child = argument;
    size_t step = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    umask(022);
    while (step < child->step_count && perform(child, &child->steps[step]) == 0) step++;
    if (step == child->step_count && follow_parent(child->status) == 0 && take_streams(child) == 0) {
        reset_signals();
        run_command(child);
    }
    struct clinux_report report = {.kind = clinux_report_failure, .step = (int32_t)step, .error = errno};
    clinux_send_report(child->status, &report, NULL);
    _exit(127);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// clone3 with a stack of its own, as the C library has it for itself alone. Returns in the parent only.
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

// Clones into a group of cgroup v2 where there is one: then the child is never anywhere else, and nobody waits.
static int start(const struct clinux_child *child, char *stack, int *pidfd) {
    uint64_t flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | child->namespaces;
    if (child->group < 0) return clone(child_main, stack + STACK_SIZE, (int)flags | SIGCHLD, (void *)child, pidfd);
    struct clone_args arguments = {
        .flags = flags | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
        .cgroup = (uint64_t)child->group,
    };
    return (int)clone3(&arguments, child_main, (void *)child);
}

int clinux_start(const struct clinux_child *child, int *pidfd, int64_t times[2]) {
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    times[0] = now();
    int pid = start(child, stack, pidfd);
    int error = errno;
    times[1] = now();
    // The child's change of identity made the shared memory undumpable.
    if (dumpable == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, STACK_SIZE);
    errno = error;
    return pid;
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

// What a child with the same memory and descriptors opens for its parent.
struct opened {
    int descriptor;
    int error;
};

static int open_network(void *argument) {
    struct opened *opened = argument;
    opened->descriptor = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    opened->error = errno;
    _exit(0);
}

int clinux_make_network(void) {
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    struct opened opened = {-1, 0};
    // A thread that goes into a new network may not be allowed to come back.
    int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNET | SIGCHLD;
    int pid = clone(open_network, stack + STACK_SIZE, flags, &opened);
    int error = pid < 0 ? errno : opened.error;
    while (pid >= 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, STACK_SIZE);
    errno = error;
    return opened.descriptor;
}

int clinux_unlock_terminal(int master) {
    int locked = 0;
    return ioctl(master, TIOCSPTLCK, &locked);
}

// The terminals whose size the handler copies; one pair at a time.
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
