// A program of this machine in a process that has only what it needs, and a process that gives up what it has.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    clinux_place_directory,  // source: bound read-only, with what is mounted below it
    clinux_place_file,       // source: bound read-only
    clinux_place_device,     // source: bound; used, but not changed
    clinux_place_link,       // source: the text of a symbolic link
    clinux_place_copy,       // descriptor: a file, copied from its start
    clinux_place_node,       // device: a character device of its own, for the program's user
};

/// Something in the program's root directory. The parents of its name are made.
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

/// A user without capabilities; the lists of supplementary groups are emptied where `empties_groups`.
struct clinux_identity {
    int is_changed;
    int empties_groups;
    uint32_t user, group;
};

/// A process to start. Every pointer stays valid until the call returns.
struct clinux_confinement {
    uint64_t namespaces;  // CLONE_NEW*; 0 where none can be had
    // Control groups' files of processes, open for writing.
    const int *groups;
    size_t group_count;
    // The root directory, where it has one of its own: a tmpfs that is read-only once it is filled.
    int has_root;
    const struct clinux_place *places;
    size_t place_count;
    // Given up before the program runs; otherwise the program does it itself.
    int gives_up;
    struct clinux_identity identity;
    const struct clinux_ceiling *ceilings;
    size_t ceiling_count;
    const int *descriptors;  // become 0, 1, 2 and so on; everything else is closed
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

/// Starts the program in a session of its own; it dies with the thread that calls this. Returns its number, or -1 with
/// errno and the stage that failed.
int clinux_confine(const struct clinux_confinement *confinement, int *stage);

// What a process with one thread does to itself, for ever.

/// Takes every file from the process: its root is an empty directory that cannot be written. Needs a mount namespace.
int clinux_leave_files(void);
/// Takes capabilities, user and groups from the process, and the ways to get them back.
int clinux_leave_identity(const struct clinux_identity *identity);
/// Sets limits that the process cannot raise again.
int clinux_set_ceilings(const struct clinux_ceiling *ceilings, size_t count);
/// Names the calling thread in lists of processes; a name has at most 15 bytes.
void clinux_set_name(const char *name);
/// The process dies with the thread that started it, from now on; changing user ended that.
int clinux_die_with_parent(void);
