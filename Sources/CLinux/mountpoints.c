// Mount points that are missing in the root file system: made here, reported to the parent, removed by it afterwards.
#define _GNU_SOURCE
#include "MountPoints.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

// MARK: Paths

int clinux_resolve(const char *path, int flags) {
    return clinux_openat2(AT_FDCWD, path, O_PATH | flags, 0, clinux_resolve_no_magiclinks);
}

int clinux_resolve_parent(const char *path, const char **name) {
    char parent[PATH_SIZE];
    size_t length = strlen(path);
    if (length >= sizeof parent) return errno = ENAMETOOLONG, -1;
    memcpy(parent, path, length + 1);
    char *slash = strrchr(parent, '/');
    if (!slash) return errno = EINVAL, -1;
    slash[slash == parent ? 1 : 0] = 0;
    *name = path + (strrchr(path, '/') - path) + 1;
    return clinux_resolve(parent, O_DIRECTORY);
}

int clinux_place(int mount, const char *path) {
    int target = clinux_resolve(path, 0);
    if (target < 0) return -1;
    int result = move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    int error = errno;
    close(target);
    errno = error;
    return result;
}

// MARK: Reports

int clinux_send_report(int file, struct clinux_report *report, const char *path) {
    char record[sizeof *report + 4096];
    size_t length = path ? strnlen(path, 4096) : 0;
    report->path_length = (int32_t)length;
    memcpy(record, report, sizeof *report);
    if (length) memcpy(record + sizeof *report, path, length);
    ssize_t size = (ssize_t)(sizeof *report + length);
    return write(file, record, (size_t)size) == size ? 0 : -1;
}

// Finds the path of an open file. It is `name` if /proc isn't mounted yet, which is true only for /proc itself.
static int true_path(int descriptor, const char *name, char path[4096]) {
    char link[32] = "/proc/self/fd/", digits[12];
    int count = 0, at = 14;
    for (int number = descriptor; number > 0 || count == 0; number /= 10) digits[count++] = (char)('0' + number % 10);
    while (count > 0) link[at++] = digits[--count];
    ssize_t length = readlink(link, path, 4095);
    if (length <= 0) {
        if (strrchr(name, '/') != name || strlen(name) >= 4096) return -1;
        length = (ssize_t)strlen(name);
        memcpy(path, name, (size_t)length);
    }
    path[length] = 0;
    return 0;
}

static int report_stub(int report, int made, int parent, const char *name, int is_directory, const struct stat *before) {
    char path[4096];
    struct stat after;
    if (true_path(made, name, path) != 0 || fstat(parent, &after) != 0) return -1;
    struct clinux_report record = {
        .kind = clinux_report_stub,
        .is_directory = is_directory,
        .modified = {before->st_mtim.tv_sec, before->st_mtim.tv_nsec},
        .settled = {after.st_mtim.tv_sec, after.st_mtim.tv_nsec},
    };
    return clinux_send_report(report, &record, path);
}

// MARK: Stubs

static int make_in(int report, int parent, const char *path, const char *name, int is_directory) {
    struct stat before;
    if (fstat(parent, &before) != 0) return -1;
    int made = -1;
    if (is_directory) {
        if (mkdirat(parent, name, 0755) != 0) return errno == EEXIST ? 0 : -1;
        made = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    } else {
        made = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (made < 0 && errno == EEXIST) return 0;
    }
    if (made < 0) return -1;
    int result = report_stub(report, made, parent, path, is_directory, &before);
    close(made);
    return result;
}

// Makes one missing directory or file and reports it. /proc is already mounted, except when making /proc itself.
static int make_stub(int report, const char *path, int is_directory) {
    const char *name;
    int parent = clinux_resolve_parent(path, &name);
    if (parent < 0) return -1;
    int result = make_in(report, parent, path, name, is_directory);
    int error = errno;
    close(parent);
    errno = error;
    return result;
}

// Returns the length of the shortest prefix of a path that doesn't exist: 0 if all of it exists, -1 on errors.
static ssize_t missing(const char *path) {
    char prefix[PATH_SIZE];
    for (size_t at = 1;; at++) {
        prefix[at - 1] = path[at - 1];
        if (path[at] && path[at] != '/') continue;
        prefix[at] = 0;
        int found = clinux_resolve(prefix, 0);
        if (found < 0) return errno == ENOENT ? (ssize_t)at : -1;
        close(found);
        if (!path[at]) return 0;
    }
}

// Replaces a link of the first `length` bytes with its target; 0 if these bytes are no link. A mount point may be a
// dangling link, as /etc/resolv.conf often is: then its target is made.
static int follow(char *path, size_t length) {
    char link[PATH_SIZE], rest[PATH_SIZE];
    strcpy(rest, path + length);
    path[length] = 0;
    ssize_t size = readlink(path, link, sizeof link - 1);
    size_t keep = 0;
    if (size >= 0 && link[0] != '/') keep = (size_t)(strrchr(path, '/') - path) + 1;
    if (size < 0) keep = length, size = 0;
    if (keep + (size_t)size + strlen(rest) + 1 > PATH_SIZE) return errno = ENAMETOOLONG, -1;
    memcpy(path + keep, link, (size_t)size);
    strcpy(path + keep + size, rest);
    return keep != length;
}

int clinux_true_directory(int report, const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0) return errno == ENOENT ? make_stub(report, path, 1) : -1;
    if (S_ISDIR(found.st_mode)) return 0;
    return errno = S_ISLNK(found.st_mode) ? ELOOP : ENOTDIR, -1;
}

int clinux_stub(int report, const char *path, int is_directory) {
    char place[PATH_SIZE];
    if (strlen(path) >= sizeof place) return errno = ENAMETOOLONG, -1;
    strcpy(place, path);
    for (int links = 0; links < 40;) {
        ssize_t length = missing(place);
        if (length <= 0) return (int)length;
        int followed = follow(place, (size_t)length);
        if (followed < 0) return -1;
        links += followed;
        if (followed) continue;
        char rest = place[length];
        place[length] = 0;
        if (make_stub(report, place, rest ? 1 : is_directory) != 0) return -1;
        place[length] = rest;
    }
    return errno = ELOOP, -1;
}
