// Thin wrappers of system calls; each returns -1 and sets errno as the kernel does.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_openat(int directory, const char *path, int flags, unsigned mode) {
    return openat(directory, path, flags | O_CLOEXEC, mode);
}

int clinux_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode & 07777 : 0,
        .resolve = resolve,
    };
    // EAGAIN: another process renamed a directory while ".." was being resolved.
    for (int attempt = 0;; attempt++) {
        long result = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (result >= 0 || errno != EAGAIN || attempt == 100) return (int)result;
    }
}

int clinux_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int clinux_dup(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

long clinux_getdents(int directory, void *buffer, size_t size) {
    return syscall(SYS_getdents64, directory, buffer, size);
}

int clinux_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags) {
    return renameat2(from, old_name, to, new_name, flags);
}

unsigned clinux_major(uint64_t device) { return major(device); }

unsigned clinux_minor(uint64_t device) { return minor(device); }

uint64_t clinux_makedev(unsigned major_number, unsigned minor_number) { return makedev(major_number, minor_number); }

int clinux_birth(int directory, const char *name, int64_t time[2]) {
    struct statx found;
    if (statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &found) != 0) return -1;
    if (!(found.stx_mask & STATX_BTIME)) return 1;
    time[0] = found.stx_btime.tv_sec;
    time[1] = found.stx_btime.tv_nsec;
    return 0;
}

int clinux_fsopen(const char *type) { return fsopen(type, FSOPEN_CLOEXEC); }

int clinux_fsconfig_string(int context, const char *key, const char *value) {
    return fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
}

int clinux_fsconfig_flag(int context, const char *key) { return fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0); }

int clinux_fsconfig_create(int context) { return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0); }

int clinux_fsmount(int context, unsigned attributes) { return fsmount(context, FSMOUNT_CLOEXEC, attributes); }

int clinux_open_tree(int directory, const char *path, int clone, int recursive) {
    unsigned flags = OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if (clone) flags |= OPEN_TREE_CLONE;
    if (clone && recursive) flags |= AT_RECURSIVE;
    return open_tree(directory, path, flags);
}

int clinux_move_mount(int mount, int directory, const char *path) {
    return move_mount(mount, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

int clinux_mount_setattr(int mount, int recursive, uint64_t set, uint64_t clear) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
    return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

int clinux_mount_map(int mount, int recursive, int users) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};
    return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length);
    return 0;
}

static int unix_socket(const char *path, int (*use)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    int number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0 || use(number, (struct sockaddr *)&address, sizeof address) == 0) return number;
    int error = errno;
    close(number);
    errno = error;
    return -1;
}

int clinux_unix_connect(const char *path) {
    return unix_socket(path, connect);
}

int clinux_unix_listen(const char *path) {
    int number = unix_socket(path, bind);
    if (number >= 0) listen(number, 16);
    return number;
}

int clinux_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

int clinux_observe(void) {
    return fanotify_init(
        FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK);
}

int clinux_observe_mount(int observer, int mount) {
    return fanotify_mark(observer, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_ONDIR, mount, ".");
}

// Returns the length of a descriptor's path and closes the descriptor; 0 if the file has no name any more.
static long path_of(int descriptor, char *path, size_t capacity) {
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    long length = readlink(name, path, capacity);
    int is_too_long = length < 0 ? errno == ENAMETOOLONG : (size_t)length == capacity;
    close(descriptor);
    errno = ENAMETOOLONG;
    if (is_too_long) return -1;
    return length > 0 && path[0] == '/' ? length : 0;
}

long clinux_next_opened(int observer, char *path, size_t capacity) {
    struct fanotify_event_metadata event;
    ssize_t count;
    do count = read(observer, &event, sizeof event);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -1;
    errno = EOVERFLOW;
    if (count != sizeof event || event.fd < 0) return -1;
    return path_of(event.fd, path, capacity);
}

void clinux_trim_heap(void) {
    // glibc raises the threshold with each large block that is freed, and then caches the next ones.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    malloc_trim(0);
}
