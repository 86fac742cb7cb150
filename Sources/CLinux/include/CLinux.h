// The kernel calls that Swift cannot say: variadic, behind macros, or younger than the C library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "Calls.h"
#include "Child.h"
#include "Confine.h"
#include "Namespace.h"
#include <sys/xattr.h>

// Flags whose macros Swift does not import.
enum {
    clinux_o_path = 010000000,
    clinux_utime_omit = (1 << 30) - 2,
};

// How openat2 resolves a path (linux/openat2.h).
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
int clinux_pipe(int ends[2]);
long clinux_getdents(int directory, void *buffer, size_t size);
int clinux_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags);
unsigned clinux_major(uint64_t device);
unsigned clinux_minor(uint64_t device);
uint64_t clinux_makedev(unsigned major, unsigned minor);

// The mount API of Linux 5.2 and later: mounts as descriptors.
int clinux_fsopen(const char *type);
int clinux_fsconfig_string(int context, const char *key, const char *value);
int clinux_fsconfig_flag(int context, const char *key);
int clinux_fsconfig_create(int context);
int clinux_fsmount(int context, unsigned attributes);
int clinux_open_tree(int directory, const char *path, int clone, int recursive);
int clinux_move_mount(int mount, int directory, const char *path);
int clinux_mount_setattr(int mount, int recursive, uint64_t set, uint64_t clear);

// Shows the owners of a mount's files as the map of a user namespace says (MOUNT_ATTR_IDMAP, Linux 5.12). The mount
// must be in no tree.
int clinux_mount_map(int mount, int recursive, int users);

// An option of a file system; a flag has no value.
struct clinux_option {
    const char *key;
    const char *value;
};

// Makes a mount of `type` whose options hold paths relative to the mount `base`, which is in no tree. A child with a
// mount namespace of its own does it: before Linux 6.15 overlayfs takes no directory of a mount without a place.
// -1: *failed is the number of the refused option, or `count`.
int clinux_make_mount_in(int base, const char *type, const struct clinux_option *options, size_t count,
                         unsigned attributes, size_t *failed);

enum {
    clinux_attribute_read_only = 0x01,
    clinux_attribute_no_suid = 0x02,
    clinux_attribute_no_dev = 0x04,
    clinux_attribute_no_exec = 0x08,
};

// Streams of UNIX sockets, by path.
int clinux_unix_connect(const char *path);
int clinux_unix_listen(const char *path);
int clinux_accept(int listener);

// Following what is opened, by fanotify. What the third gives is a path's length: 0 where what was opened has none, -1
// where there is nothing for now (EAGAIN), or something was lost.
int clinux_observe(void);
int clinux_observe_mount(int observer, int mount);
long clinux_next_opened(int observer, char *path, size_t capacity);

// Gives memory that was freed back to the kernel, and from now on large pieces as soon as they are freed.
void clinux_give_back(void);

// The processor's time-stamp counter, or 0 where there is none that user code may read.
static inline uint64_t clinux_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}
#include "Child.h"
#include "Confine.h"
