// A process of a step's own that ends everything the step started before it ends itself. It is for steps without a
// PID namespace, where the kernel ends nothing by itself.
//
//     this process            supervisor                              command
//     ────────────            ──────────                              ───────
//     fork ─────────────────► own session, adopts orphans
//                             clone ────────────────────────────────► its steps, then exec
//     status pipe: end ◄───── close all descriptors
//                             wait for the command, or for SIGTERM
//                             kill all children, those it adopted too
//     pidfd: readable ◄────── end as the command did
//
// It is a copy of a process that may have many threads: it allocates nothing and takes no lock.
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

// The supervisor's only descriptor: /proc.
enum { processes = 0 };

// MARK: Ending descendants

// The parent of a process, from /proc/PID/stat: `PID (NAME) STATE PARENT`; the name may hold anything. 0: unknown.
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

// Without CAP_KILL only the process's own user may end it. Changing users clears the signal of the parent's death.
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

// Takes the exit status of every child that has ended; 0 when no child is left. `status` receives the command's.
static int reap(pid_t command, int *status, int *has_ended) {
    int found;
    pid_t process;
    while ((process = waitpid(-1, &found, WNOHANG | __WALL)) > 0) {
        if (process == command) *status = found, *has_ended = 1;
    }
    return process == 0;
}

// Children of what is killed become this process's, so each round goes one generation down.
static void end_descendants(pid_t command, int *status, int *has_ended) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    while (reap(command, status, has_ended)) {
        kill_children();
        struct timespec patience = {.tv_nsec = 5000000};
        sigtimedwait(&children, NULL, &patience);
    }
}

// MARK: The supervisor

static void end_as(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    int number = WTERMSIG(status);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, number);
    signal(number, SIG_DFL);
    kill(getpid(), number);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    _exit(128 + number);
}

static void report(int pipe, int error) {
    // A step before the first: the failure is no step's.
    struct clinux_report report = {.kind = clinux_report_failure, .step = -1, .error = error};
    clinux_send_report(pipe, &report, NULL);
    _exit(127);
}

// Keeps /proc alone: the pipes of the command end with the command.
static void close_all(int directory) {
    if (directory != processes) dup2(directory, processes);
    syscall(SYS_close_range, processes + 1, ~0U, 0);
}

static void supervise(const struct clinux_child *child) {
    struct pollfd reader = {.fd = child->status, .events = POLLOUT};
    setsid();
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0) report(child->status, errno);
    if (poll(&reader, 1, 0) >= 0 && reader.revents & POLLERR) _exit(127);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) report(child->status, errno);
    // Against ptrace by the command, which has the same user.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int directory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pidfd = -1;
    if (directory < 0) report(child->status, errno);
    int64_t times[2];
    pid_t command = clinux_start(child, &pidfd, times);
    if (command < 0) report(child->status, errno);
    close_all(directory);
    if (chdir("/") != 0) _exit(127);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    int status = 127 << 8, has_ended = 0, number = 0;
    while (reap(command, &status, &has_ended), !has_ended && number != SIGTERM) sigwait(&signals, &number);
    end_descendants(command, &status, &has_ended);
    end_as(status);
}

int clinux_supervise(const struct clinux_child *child, int *pidfd, int64_t times[2]) {
    sigset_t all, old;
    struct timespec now;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    clock_gettime(CLOCK_MONOTONIC, &now);
    times[0] = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int process = (int)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, 0);
    if (process == 0) supervise(child);
    int error = errno;
    clock_gettime(CLOCK_MONOTONIC, &now);
    times[1] = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return process;
}
