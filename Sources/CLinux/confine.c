// Between clone and exec the child shares the parent's memory (CLONE_VM, CLONE_VFORK). It allocates nothing, takes no
// lock, and makes raw system calls where the C library would signal other threads.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { stack_size = 64 * 1024, longest_name = 4096, descriptor_limit = 64 };

typedef const struct clinux_confinement *Confinement;

// MARK: Dropping privileges

int clinux_set_ceilings(const struct clinux_ceiling *ceilings, size_t count) {
    for (size_t index = 0; index < count; index++) {
        struct rlimit limit;
        if (syscall(SYS_prlimit64, 0, ceilings[index].resource, NULL, &limit) != 0) return -1;
        if (limit.rlim_max < ceilings[index].value) continue;
        limit.rlim_cur = limit.rlim_max = ceilings[index].value;
        if (syscall(SYS_prlimit64, 0, ceilings[index].resource, &limit, NULL) != 0) return -1;
    }
    return 0;
}

static int has_capability(int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return data[capability / 32].effective >> capability % 32 & 1;
}

// Without CAP_SETPCAP the bounding set stays; no_new_privs makes it ineffective.
static int drop_bounding_set(void) {
    if (!has_capability(CAP_SETPCAP)) return 0;
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno == EINVAL ? 0 : -1;
    }
    return 0;
}

int clinux_leave_identity(const struct clinux_identity *identity) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    if (drop_bounding_set() != 0) return -1;
    if (identity->empties_groups && syscall(SYS_setgroups, 0, NULL) != 0) return -1;
    if (identity->is_changed) {
        uint32_t user = identity->user, group = identity->group;
        if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
        if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void clinux_set_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int clinux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

// MARK: A root directory

// A directory that exists on every machine, and whose files the new root doesn't need.
static const char staging[] = "/sys";

// Mounts an empty tmpfs that only this mount namespace sees, and makes it the working directory.
static int stage_root(unsigned long flags) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    if (mount("thaw", staging, "tmpfs", flags, "mode=755") != 0) return -1;
    return chdir(staging);
}

// Makes the working directory the root; afterwards the old root can't be reached.
static int change_root(unsigned long flags) {
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH) != 0) return -1;
    } else if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
        // EINVAL: the root is the kernel's initial rootfs, which pivot_root can't replace.
        return -1;
    }
    if (chdir("/") != 0) return -1;
    return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL);
}

int clinux_leave_files(void) {
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return stage_root(flags) != 0 ? -1 : change_root(flags);
}

static int make_parents(const char *name) {
    char path[longest_name];
    size_t length = strlen(name);
    if (length >= sizeof path) return errno = ENAMETOOLONG, -1;
    memcpy(path, name, length + 1);
    for (size_t at = 1; at < length; at++) {
        if (path[at] != '/') continue;
        path[at] = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST) return -1;
        path[at] = '/';
    }
    return 0;
}

static int make_file(const char *name, unsigned mode) {
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    return file < 0 ? -1 : close(file);
}

static int copy(int from, const char *name) {
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (file < 0) return -1;
    off_t offset = 0;
    ssize_t count;
    while ((count = sendfile(file, from, &offset, 1 << 30)) > 0 || (count < 0 && errno == EINTR)) {}
    int error = errno;
    close(file);
    errno = error;
    return count == 0 ? 0 : -1;
}

static int bind(const struct clinux_place *place) {
    int is_directory = place->kind == clinux_place_directory;
    int made = is_directory ? mkdir(place->name, 0755) : make_file(place->name, 0444);
    // A bind mount of another directory may already contain the name.
    if (made != 0 && errno != EEXIST) return -1;
    if (mount(place->source, place->name, NULL, MS_BIND | MS_REC, NULL) != 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
    if (place->kind != clinux_place_device) attributes.attr_set |= MOUNT_ATTR_NODEV;
    return mount_setattr(AT_FDCWD, place->name, AT_RECURSIVE, &attributes, sizeof attributes);
}

static int put(const struct clinux_place *place, const struct clinux_identity *identity) {
    if (make_parents(place->name) != 0) return -1;
    switch (place->kind) {
        case clinux_place_link: return symlink(place->source, place->name);
        case clinux_place_copy: return copy(place->descriptor, place->name);
        case clinux_place_node:
            if (mknod(place->name, S_IFCHR | 0600, (dev_t)place->device) != 0) return -1;
            return chown(place->name, identity->user, identity->group);
        default: return bind(place);
    }
}

static int make_root(Confinement confinement) {
    if (stage_root(MS_NOSUID) != 0) return -1;
    for (size_t index = 0; index < confinement->place_count; index++) {
        if (put(&confinement->places[index], &confinement->identity) != 0) return -1;
    }
    return change_root(MS_NOSUID);
}

// MARK: Between clone and exec

// The child's result for its parent, in shared memory.
struct start {
    Confinement confinement;
    int stage;
    int error;
};

static int join_groups(Confinement confinement) {
    for (size_t index = 0; index < confinement->group_count; index++) {
        if (write(confinement->groups[index], "0", 1) != 1) return -1;
    }
    return 0;
}

// Moves the descriptors out of the target range first, then to their targets.
static int arrange_descriptors(Confinement confinement) {
    int copies[descriptor_limit];
    size_t count = confinement->descriptor_count;
    if (count > descriptor_limit) return errno = EMFILE, -1;
    for (size_t index = 0; index < count; index++) {
        copies[index] = fcntl(confinement->descriptors[index], F_DUPFD_CLOEXEC, descriptor_limit);
        if (copies[index] < 0) return -1;
    }
    for (size_t index = 0; index < count; index++) {
        if (dup2(copies[index], (int)index) < 0) return -1;
    }
    return (int)syscall(SYS_close_range, (unsigned)count, ~0U, 0);
}

// If the parent was killed before the last call, the other ends of its pipes and sockets are closed.
static int expect_parent(size_t descriptor_count) {
    for (int number = 0; number < (int)descriptor_count; number++) {
        struct pollfd watch = {.fd = number};
        if (poll(&watch, 1, 0) > 0 && watch.revents & (POLLERR | POLLHUP)) return errno = ESRCH, -1;
    }
    return 0;
}

void clinux_reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int begin(struct start *start) {
    Confinement confinement = start->confinement;
    start->stage = clinux_confine_start;
    if (clinux_die_with_parent() != 0) return -1;
    setsid();
    start->stage = clinux_confine_groups;
    if (join_groups(confinement) != 0) return -1;
    start->stage = clinux_confine_root;
    umask(022);
    if (confinement->has_root && make_root(confinement) != 0) return -1;
    umask(077);
    start->stage = clinux_confine_identity;
    if (clinux_set_ceilings(confinement->ceilings, confinement->ceiling_count) != 0) return -1;
    if (confinement->gives_up && clinux_leave_identity(&confinement->identity) != 0) return -1;
    start->stage = clinux_confine_descriptors;
    if (arrange_descriptors(confinement) != 0) return -1;
    // A change of user clears the parent-death signal.
    if (clinux_die_with_parent() != 0) return -1;
    return expect_parent(confinement->descriptor_count);
}

static int run(void *argument) {
    struct start *start = argument;
    if (begin(start) == 0) {
        start->stage = clinux_confine_program;
        clinux_reset_signals();
        execve(start->confinement->program, start->confinement->arguments, start->confinement->environment);
    }
    start->error = errno;
    _exit(127);
}

int clinux_confine(const struct clinux_confinement *confinement, int *stage) {
    char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    *stage = clinux_confine_start;
    if (stack == MAP_FAILED) return -1;
    struct start start = {.confinement = confinement};
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (int)confinement->namespaces;
    int process = clone(run, stack + stack_size, flags, &start);
    int error = process < 0 ? errno : start.error;
    // The child's change of user made the shared memory undumpable.
    if (dumpable == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, stack_size);
    if (process >= 0 && error != 0) {
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
        process = -1;
    }
    *stage = start.stage;
    errno = error;
    return process;
}
