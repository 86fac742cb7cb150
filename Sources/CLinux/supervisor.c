// A process for each step that ends everything the step started before it exits itself. It is for steps without a PID
// namespace, where the kernel ends no other process.
//
//     this process            supervisor                              command
//     ────────────            ──────────                              ───────
//     fork ─────────────────► own session, adopts orphans
//                             clone ────────────────────────────────► its steps, then exec
//     status pipe: end ◄───── close all descriptors
//                             wait for the command, or for SIGTERM
//                             kill all children, also the adopted ones
//     pidfd: readable ◄────── exit as the command did
//
// It is forked from a process that may have many threads, so it allocates nothing and takes no lock.
#define _GNU_SOURCE
#include "CLinux.h"
#include "MountPoints.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The supervisor's only descriptors: /proc, and the pidfd of the command.
enum { processes = 0, command = 1 };

// MARK: Ending descendants

// Returns the parent of a process from /proc/PID/stat, or 0 on errors. The format is `PID (NAME) STATE PARENT`; the
// name may contain any character.
static pid_t parent_of(const char *name) {
    char path[32], text[512];
    size_t length = strlen(name);
    if (length + sizeof "/stat" > sizeof path) return 0;
    memcpy(path, name, length);
    strcpy(path + length, "/stat");
    int file = openat(processes, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return 0;
    text[count] = 0;
    char *end = strrchr(text, ')');
    if (!end || strlen(end) < 5) return 0;
    return (pid_t)strtol(end + 4, NULL, 10);
}

static pid_t number_of(const char *name) {
    pid_t number = 0;
    for (; *name >= '0' && *name <= '9'; name++) number = number * 10 + (*name - '0');
    return *name ? 0 : number;
}

// Without CAP_KILL only the process's own user may kill it. Changing users clears the parent-death signal.
static void end_as_its_user(const char *name, pid_t process) {
    struct stat found;
    if (fstatat(processes, name, &found, 0) != 0) return;
    if (syscall(SYS_setresuid, -1, found.st_uid, -1) != 0) return;
    kill(process, SIGKILL);
    syscall(SYS_setresuid, -1, 0, -1);
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

static void kill_children(void) {
    char buffer[8192];
    pid_t self = getpid();
    if (lseek(processes, 0, SEEK_SET) != 0) return;
    for (;;) {
        long count = syscall(SYS_getdents64, processes, buffer, sizeof buffer);
        if (count <= 0) return;
        for (long at = 0; at < count;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);
            at += entry->d_reclen;
            pid_t process = number_of(entry->d_name);
            if (process <= 1 || parent_of(entry->d_name) != self) continue;
            if (kill(process, SIGKILL) != 0 && errno == EPERM) end_as_its_user(entry->d_name, process);
        }
    }
}

// The exit of the command; `code` is 0 while it runs.
struct end {
    int code;
    int status;
};

// Reaps the command if it has ended. Returns its pid then, else 0.
static pid_t reap_command(struct end *end) {
    siginfo_t info = {0};
    if (end->code || waitid(P_PIDFD, command, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return 0;
    *end = (struct end){info.si_code, info.si_status};
    return info.si_pid;
}

// Reaps every child that has ended; 0 when no child is left.
static int reap(struct end *end) {
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) return errno != ECHILD;
        if (info.si_pid == 0) return 1;
        pid_t process = info.si_pid;
        if (reap_command(end) != process) waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | __WALL);
    }
}

// Children of a killed process become this process's, so each round reaches one generation further.
static void end_descendants(struct end *end) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    while (reap(end)) {
        kill_children();
        struct timespec patience = {.tv_nsec = 5000000};
        sigtimedwait(&children, NULL, &patience);
    }
}

// MARK: The supervisor

static void end_as(struct end end) {
    if (end.code == CLD_EXITED) _exit(end.status);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, end.status);
    signal(end.status, SIG_DFL);
    kill(getpid(), end.status);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    _exit(128 + end.status);
}

static void fail(const struct clinux_child *child, int error) {
    // The failure is before the first step, so it belongs to none.
    struct clinux_report report = {.kind = clinux_report_failure, .step = -1, .error = error};
    clinux_send_report(child->report, &report, NULL);
    _exit(127);
}

// Keeps two descriptors only: the pipes of the command must close with the command.
static int close_others(int directory, int pidfd) {
    int high[2] = {fcntl(directory, F_DUPFD_CLOEXEC, 3), fcntl(pidfd, F_DUPFD_CLOEXEC, 3)};
    if (high[0] < 0 || high[1] < 0) return -1;
    if (dup2(high[0], processes) < 0 || dup2(high[1], command) < 0) return -1;
    return (int)syscall(SYS_close_range, command + 1, ~0U, 0);
}

static void supervise(struct clinux_child *child) {
    struct pollfd reader = {.fd = child->status, .events = POLLOUT};
    setsid();
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0) fail(child, errno);
    if (poll(&reader, 1, 0) >= 0 && reader.revents & POLLERR) _exit(127);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail(child, errno);
    int directory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) fail(child, errno);
    int64_t cloned_at;
    if (clinux_start(child, &cloned_at) != 0) fail(child, errno);
    // A step before the command's process failed, and was reported.
    if (child->pidfd < 0) _exit(127);
    // Prevents ptrace by the command, which has the same user.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct end end = {0};
    int is_whole = close_others(directory, child->pidfd) == 0 && chdir("/") == 0;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    int number = is_whole ? 0 : SIGTERM;
    while (reap(&end), !end.code && number != SIGTERM) sigwait(&signals, &number);
    end_descendants(&end);
    end_as(end);
}

int clinux_supervise(struct clinux_child *child, int64_t *cloned_at) {
    sigset_t all, old;
    struct timespec now;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    clock_gettime(CLOCK_MONOTONIC, &now);
    *cloned_at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    child->pidfd = -1;
    int process = (int)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &child->pidfd, NULL, 0);
    if (process == 0) supervise(child);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return process < 0 ? -1 : 0;
}
