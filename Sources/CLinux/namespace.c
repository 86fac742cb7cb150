// A user namespace can be entered once and never left, so a child tries it first. Maps of more than one ID must be
// written from outside, by a helper that was forked before:
//
//     this process                    helper
//     ────────────                    ──────
//     fork ─────────────────────────► wait for a byte, or for the end of the sender
//     unshare
//     a byte ───────────────────────► newuidmap, newgidmap, each for 10 seconds at most
//     their messages ◄─────────────── exit
//     map the own ID if none came
#define _GNU_SOURCE
#include "Namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef const struct clinux_entry *Entry;

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t length = strlen(text);
    ssize_t count = write(file, text, length);
    int error = errno;
    close(file);
    errno = error;
    return count == (ssize_t)length ? 0 : -1;
}

static int is_mapped(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, &byte, 1);
    close(file);
    return count == 1;
}

// Maps the IDs that the helper didn't: the own user, and the own group, which requires denying setgroups.
static int map_single(Entry entry) {
    if (!is_mapped("/proc/self/uid_map") && write_file("/proc/self/uid_map", entry->single_user) != 0) return -1;
    if (is_mapped("/proc/self/gid_map")) return 0;
    if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT) return -1;
    return write_file("/proc/self/gid_map", entry->single_group);
}

static int isolate_mounts(void) { return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL); }

// MARK: The attempt

struct outcome {
    int stage;
    int error;
};

static struct outcome attempt(Entry entry) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return (struct outcome){clinux_entry_unshare, errno};
    if (map_single(entry) != 0) return (struct outcome){clinux_entry_map, errno};
    if (isolate_mounts() != 0) return (struct outcome){clinux_entry_mount, errno};
    return (struct outcome){0, 0};
}

static int wait_for(pid_t process) {
    int status;
    while (waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return status;
}

static int try_in_child(Entry entry, int *stage) {
    int ends[2];
    struct outcome outcome = {0, 0};
    *stage = clinux_entry_help;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        outcome = attempt(entry);
        _exit(write(ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
    }
    int error = errno;
    close(ends[1]);
    ssize_t count = child < 0 ? -1 : read(ends[0], &outcome, sizeof outcome);
    close(ends[0]);
    if (child < 0) return errno = error, -1;
    wait_for(child);
    if (count != sizeof outcome) return errno = ECHILD, -1;
    *stage = outcome.stage;
    errno = outcome.error;
    return outcome.error ? -1 : 0;
}

// MARK: The helper

static pid_t start_tool(char *const *arguments, int words) {
    char *none[] = {NULL};
    pid_t tool = fork();
    if (tool != 0) return tool;
    for (int stream = 1; stream <= 2; stream++) dup2(words, stream);
    signal(SIGALRM, SIG_DFL);
    alarm(10);
    execve(arguments[0], arguments, none);
    dprintf(words, "%s: %s", arguments[0], strerror(errno));
    _exit(127);
}

// Returns the tool that was started, or 0 if none is needed.
static pid_t map_outside(pid_t process, const char *name, char *const *tool, const char *lines, int words) {
    if (tool) return start_tool(tool, words);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
    if (lines) write_file(path, lines);
    return 0;
}

static void help(Entry entry, pid_t process, int go, int words) {
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (read(go, &byte, 1) == 1) {
        pid_t users = map_outside(process, "uid_map", entry->map_users, entry->all_users, words);
        pid_t groups = map_outside(process, "gid_map", entry->map_groups, entry->all_groups, words);
        if (users > 0) wait_for(users);
        if (groups > 0) wait_for(groups);
    }
    _exit(0);
}

// Reads until all writers have closed; drops the bytes beyond `size`.
static void read_words(int end, char *words, size_t size) {
    size_t length = 0;
    char rest[256];
    for (;;) {
        size_t room = size - 1 - length;
        ssize_t count = read(end, room ? words + length : rest, room ? room : sizeof rest);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        if (room) length += (size_t)count;
    }
    words[length] = 0;
}

struct helper {
    pid_t process;
    int go;
    int words;
};

static int start_helper(Entry entry, struct helper *helper) {
    int go[2], words[2];
    if (pipe2(go, O_CLOEXEC) != 0) return -1;
    if (pipe2(words, O_CLOEXEC) != 0) return -1;
    pid_t self = getpid();
    pid_t process = fork();
    if (process == 0) {
        close(go[1]);
        close(words[0]);
        help(entry, self, go[0], words[1]);
    }
    close(go[0]);
    close(words[1]);
    *helper = (struct helper){process, go[1], words[0]};
    return process < 0 ? -1 : 0;
}

static void read_helper(struct helper *helper, int begin, char *words, size_t size) {
    if (begin && write(helper->go, "x", 1) != 1) words[0] = 0;
    close(helper->go);
    read_words(helper->words, words, size);
    close(helper->words);
    wait_for(helper->process);
}

// MARK: Both

int clinux_is_administrator(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return data[0].effective >> CAP_SYS_ADMIN & 1;
}

int clinux_enter_user_namespace(Entry entry, int *stage, char *words, unsigned long size) {
    words[0] = 0;
    if (try_in_child(entry, stage) != 0) return -1;
    int is_helped = entry->map_users || entry->map_groups || entry->all_users || entry->all_groups;
    struct helper helper;
    *stage = clinux_entry_help;
    if (is_helped && start_helper(entry, &helper) != 0) return -1;
    *stage = clinux_entry_unshare;
    int result = unshare(CLONE_NEWUSER | CLONE_NEWNS);
    int error = errno;
    if (is_helped) read_helper(&helper, result == 0, words, size);
    errno = error;
    if (result != 0) return -1;
    *stage = clinux_entry_map | clinux_entry_broken;
    if (map_single(entry) != 0) return -1;
    *stage = clinux_entry_mount | clinux_entry_broken;
    return isolate_mounts();
}
