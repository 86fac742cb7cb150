// System calls that Swift can't import: variadic, behind macros, or newer than the C library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "Calls.h"
#include "Child.h"
#include "Confine.h"
#include "Namespace.h"
#include <sys/xattr.h>

// Flags whose macros Swift doesn't import.
enum {
    clinux_o_path = 010000000,
    clinux_utime_omit = (1 << 30) - 2,
};

// Flags of openat2 for path resolution (linux/openat2.h).
enum {
    clinux_resolve_no_magiclinks = 0x02,
    clinux_resolve_no_symlinks = 0x04,
    clinux_resolve_beneath = 0x08,
    clinux_resolve_in_root = 0x10,
};

// Descriptors; each is made close-on-exec.
int clinux_openat(int directory, const char *path, int flags, unsigned mode);
int clinux_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve);
int clinux_dup(int descriptor);
// The columns of a terminal; 0 for another file, and for a terminal that doesn't know them.
int clinux_columns(int descriptor);
int clinux_pipe(int ends[2]);
long clinux_getdents(int directory, void *buffer, size_t size);
int clinux_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags);
unsigned clinux_major(uint64_t device);
unsigned clinux_minor(uint64_t device);
uint64_t clinux_makedev(unsigned major, unsigned minor);
// The birth time of a file in seconds and nanoseconds. Returns 1 if its file system doesn't record it.
int clinux_birth(int directory, const char *name, int64_t time[2]);

// The mount API of Linux 5.2 and later: mounts as descriptors.
int clinux_fsopen(const char *type);
int clinux_fsconfig_string(int context, const char *key, const char *value);
int clinux_fsconfig_flag(int context, const char *key);
int clinux_fsconfig_create(int context);
int clinux_fsmount(int context, unsigned attributes);
int clinux_open_tree(int directory, const char *path, int clone, int recursive);
int clinux_move_mount(int mount, int directory, const char *path);
int clinux_mount_setattr(int mount, int recursive, uint64_t set, uint64_t clear);

// Maps the owners of a mount's files with the map of a user namespace (MOUNT_ATTR_IDMAP, Linux 5.12). The mount must be
// detached.
int clinux_mount_map(int mount, int recursive, int users);

// An option of a file system; a flag has no value.
struct clinux_option {
    const char *key;
    const char *value;
};

// Makes a mount of `type` whose options contain paths relative to the detached mount `base`. A child with a mount
// namespace of its own does it: before Linux 6.15 overlayfs refuses directories of a detached mount. On -1, *failed is
// the index of the refused option, or `count`.
int clinux_make_mount_in(int base, const char *type, const struct clinux_option *options, size_t count,
                         unsigned attributes, size_t *failed);

enum {
    clinux_attribute_read_only = 0x01,
    clinux_attribute_no_suid = 0x02,
    clinux_attribute_no_dev = 0x04,
    clinux_attribute_no_exec = 0x08,
};

// Stream sockets of AF_UNIX, by path.
int clinux_unix_connect(const char *path);
int clinux_unix_listen(const char *path);
int clinux_accept(int listener);

// Reports opened files with fanotify. The third function returns the length of a path, or 0 if the opened file has no
// path. It returns -1 if no event is available (EAGAIN), or if events were lost.
int clinux_observe(void);
int clinux_observe_mount(int observer, int mount);
long clinux_next_opened(int observer, char *path, size_t capacity);

// Returns freed memory to the kernel, and from now on large blocks as soon as they are freed.
void clinux_trim_heap(void);

// Reads the processor's time-stamp counter; 0 if user code can't read one.
static inline uint64_t clinux_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}
#include "Child.h"
#include "Confine.h"
