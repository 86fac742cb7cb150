// The child between clone and exec. It shares the parent's memory until exec (CLONE_VM, CLONE_VFORK), so it
// allocates nothing, takes no lock, and makes raw system calls where the C library would talk to other threads.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
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

// MARK: Reports

static int send_report(int status, struct clinux_report *report, const char *path) {
    char record[sizeof *report + 4096];
    size_t length = path ? strnlen(path, 4096) : 0;
    report->path_length = (int32_t)length;
    memcpy(record, report, sizeof *report);
    memcpy(record + sizeof *report, path, length);
    ssize_t size = (ssize_t)(sizeof *report + length);
    return write(status, record, (size_t)size) == size ? 0 : -1;
}

// `name` counts where /proc cannot tell the true path yet: it is /proc itself then.
static int report_stub(int status, int made, const char *name, int is_directory, const struct stat *before) {
    char link[32] = "/proc/self/fd/", path[4096], digits[12];
    int count = 0, at = 14;
    for (int number = made; number > 0 || count == 0; number /= 10) digits[count++] = (char)('0' + number % 10);
    while (count > 0) link[at++] = digits[--count];
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) {
        if (strrchr(name, '/') != name || strlen(name) >= sizeof path) return -1;
        length = (ssize_t)strlen(name);
        memcpy(path, name, (size_t)length);
    }
    path[length] = 0;
    char parent[4096];
    memcpy(parent, path, (size_t)length + 1);
    char *slash = strrchr(parent, '/');
    if (!slash) return -1;
    slash[slash == parent ? 1 : 0] = 0;
    struct stat after;
    if (stat(parent, &after) != 0) return -1;
    struct clinux_report report = {
        .kind = clinux_report_stub,
        .is_directory = is_directory,
        .modified = {before->st_mtim.tv_sec, before->st_mtim.tv_nsec},
        .settled = {after.st_mtim.tv_sec, after.st_mtim.tv_nsec},
    };
    return send_report(status, &report, path);
}

// MARK: Mount points

static int stat_parent(const char *path, struct stat *result) {
    char parent[4096];
    size_t length = strlen(path);
    if (length >= sizeof parent) return errno = ENAMETOOLONG, -1;
    memcpy(parent, path, length + 1);
    char *slash = strrchr(parent, '/');
    if (!slash) return errno = EINVAL, -1;
    slash[slash == parent ? 1 : 0] = 0;
    return stat(parent, result);
}

// Makes one missing directory or file and reports it. /proc is mounted by then, save for /proc itself.
static int make_stub(int status, const char *path, int is_directory) {
    struct stat before;
    if (stat_parent(path, &before) != 0) return -1;
    int made = -1;
    if (is_directory) {
        if (mkdir(path, 0755) != 0) return errno == EEXIST ? 0 : -1;
        made = open(path, O_PATH | O_CLOEXEC);
    } else {
        made = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (made < 0 && errno == EEXIST) made = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    }
    if (made < 0) return -1;
    int result = report_stub(status, made, path, is_directory, &before);
    close(made);
    return result;
}

static int make_parents(int status, const char *path) {
    char prefix[4096];
    for (size_t at = 0; path[at]; at++) {
        if (at + 1 >= sizeof prefix) return errno = ENAMETOOLONG, -1;
        if (at > 0 && path[at] == '/') {
            prefix[at] = 0;
            struct stat found;
            if (stat(prefix, &found) != 0 && (errno != ENOENT || make_stub(status, prefix, 1) != 0)) return -1;
        }
        prefix[at] = path[at];
    }
    return 0;
}

// A mount point may be a link that leads nowhere, as /etc/resolv.conf often is: then the place it names is made.
static int follow_dangling(const char *path, char *target, size_t size) {
    size_t keep = 0;
    char link[4096];
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length < 0) return 0;
    link[length] = 0;
    if (link[0] != '/') {
        const char *slash = strrchr(path, '/');
        keep = (size_t)(slash - path) + 1;
    }
    if (keep + (size_t)length + 1 > size) return errno = ENAMETOOLONG, -1;
    memcpy(target, path, keep);
    memcpy(target + keep, link, (size_t)length + 1);
    return 1;
}

// A mount point of the kernel's own file systems may not be a link: nobody would find them where they belong.
static int true_directory(int status, const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0) return errno == ENOENT ? make_stub(status, path, 1) : -1;
    if (S_ISDIR(found.st_mode)) return 0;
    return errno = S_ISLNK(found.st_mode) ? ELOOP : ENOTDIR, -1;
}

static int stub(int status, const char *path, int is_directory) {
    struct stat found;
    if (stat(path, &found) == 0) return 0;
    if (errno != ENOENT) return -1;
    char target[8192];
    int followed = follow_dangling(path, target, sizeof target);
    if (followed < 0) return -1;
    const char *place = followed ? target : path;
    if (make_parents(status, place) != 0) return -1;
    return make_stub(status, place, is_directory);
}

// MARK: Steps

static int enter(int root) {
    if (fchdir(root) != 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") != 0) return -1;
    if (umount2(".", MNT_DETACH) != 0) return -1;
    return chdir("/");
}

static int make_node(Step step) {
    if (mknod(step->path, step->mode, (dev_t)step->flags) == 0) return chmod(step->path, step->mode & 07777);
    return -1;
}

static int owned_directory(Step step) {
    if (mkdir(step->path, 0755) != 0) return errno == EEXIST ? 0 : -1;
    return chown(step->path, (uid_t)step->flags, (gid_t)step->more);
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

static int bound(uint64_t kept) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    for (int capability = 0; capability < 64; capability++) {
        if (kept >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno == EINVAL ? 0 : -1;
    }
    return 0;
}

static int identity(Step step) {
    if (syscall(SYS_setgroups, step->mode, step->list) != 0) return -1;
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
        case clinux_step_enter: return enter(step->descriptor);
        case clinux_step_mount: return mount(step->source, step->path, step->type, step->flags, step->data);
        case clinux_step_stub_directory: return stub(child->status, step->path, 1);
        case clinux_step_true_directory: return true_directory(child->status, step->path);
        case clinux_step_stub_file: return stub(child->status, step->path, 0);
        case clinux_step_make_directory: return mkdir(step->path, step->mode);
        case clinux_step_make_node: return make_node(step);
        case clinux_step_make_link: return symlink(step->source, step->path);
        case clinux_step_owned_directory: return owned_directory(step);
        case clinux_step_mask: return mask(step->path);
        case clinux_step_protect: return protect(step->path);
        case clinux_step_hostname: return sethostname(step->path, strlen(step->path));
        case clinux_step_loopback: return loopback();
        case clinux_step_limit: return limit(step);
        case clinux_step_bound: return bound(step->flags);
        case clinux_step_identity: return identity(step);
        case clinux_step_capabilities: return capabilities(step->flags);
        case clinux_step_directory: return chdir(step->path);
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
    send_report(child->status, &report, NULL);
    _exit(127);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int clinux_start(const struct clinux_child *child, int *pidfd, int64_t times[2]) {
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | (int)child->namespaces;
    times[0] = now();
    int pid = clone(child_main, stack + STACK_SIZE, flags, (void *)child, pidfd);
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

int clinux_enter_network(int descriptor) { return setns(descriptor, CLONE_NEWNET); }
