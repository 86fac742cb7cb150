// A program of this machine in a process with minimal permissions, and calls for a process that drops its own.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    clinux_place_directory,  // source: bound read-only, with the mounts below it
    clinux_place_file,       // source: bound read-only
    clinux_place_device,     // source: bound; it can be used, but not changed
    clinux_place_link,       // source: the text of a symbolic link
    clinux_place_copy,       // descriptor: a file, copied from its start
    clinux_place_node,       // device: a new character device, owned by the program's user
};

/// Something in the program's root directory. Missing parents are made.
struct clinux_place {
    int kind;
    int descriptor;
    uint64_t device;
    const char *source;
    const char *name;  // without a leading slash
};

struct clinux_ceiling {
    int resource;  // RLIMIT_*
    uint64_t value;
};

/// A user without capabilities; supplementary groups are dropped if `empties_groups`.
struct clinux_identity {
    int is_changed;
    int empties_groups;
    uint32_t user, group;
};

/// A process to start. Every pointer stays valid until the call returns.
struct clinux_confinement {
    uint64_t namespaces;  // CLONE_NEW*; 0 if none can be made
    //     The groups' cgroup.procs or tasks files, open for writing.
    const int *groups;
    size_t group_count;
    //     Set for a root directory of its own: a tmpfs that becomes read-only once it is filled.
    int has_root;
    const struct clinux_place *places;
    size_t place_count;
    //     Set to drop privileges before the program runs; otherwise the program does it itself.
    int gives_up;
    struct clinux_identity identity;
    const struct clinux_ceiling *ceilings;
    size_t ceiling_count;
    const int *descriptors;  // become 0, 1, 2 and so on; all others are closed
    size_t descriptor_count;
    const char *program;
    char *const *arguments;
    char *const *environment;
};

enum {
    clinux_confine_start,
    clinux_confine_groups,
    clinux_confine_root,
    clinux_confine_identity,
    clinux_confine_descriptors,
    clinux_confine_program,
};

/// Starts the program in a session of its own; it is killed when the calling thread ends. Returns its PID, or -1 with
/// errno and the stage that failed.
int clinux_confine(const struct clinux_confinement *confinement, int *stage);

// Irreversible changes to the calling process, which must have one thread.

/// Replaces the root with an empty read-only directory, so that no path can be opened. Needs a mount namespace.
int clinux_leave_files(void);
/// Drops capabilities, user and groups of the process, and every way to regain them.
int clinux_leave_identity(const struct clinux_identity *identity);
/// Sets limits that the process cannot raise again.
int clinux_set_ceilings(const struct clinux_ceiling *ceilings, size_t count);
/// Sets the name of the calling thread in process lists; it is cut to 15 bytes.
void clinux_set_name(const char *name);
/// From now on the process is killed when the thread that started it ends; call it again after a change of user.
int clinux_die_with_parent(void);
/// Gives every signal its default action and unblocks all, for the program that this process executes next.
void clinux_reset_signals(void);
