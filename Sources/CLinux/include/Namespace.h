// Entering a user namespace with a mount namespace in it, for a process that has one thread.
#pragma once

// The settings of an unprivileged process. A tool's arguments end in NULL. NULL instead of them: there is no tool, or
// the tool has no IDs to map.
struct clinux_entry {
    char *const *map_users;    // newuidmap PID INSIDE OUTSIDE COUNT ...
    char *const *map_groups;   // newgidmap PID INSIDE OUTSIDE COUNT ...
    const char *all_users;     // lines for uid_map that need privileges, used without a tool; or NULL
    const char *all_groups;
    const char *single_user;   // the line that every process may write, if no other map was written
    const char *single_group;
};

enum {
    clinux_entry_unshare,  // making the namespaces
    clinux_entry_map,      // mapping the own user and group in them
    clinux_entry_mount,    // changing a mount in them
    clinux_entry_help,     // starting the helper
};

// Enters new user and mount namespaces, after a child has tried it successfully. 0: entered, with at least one user.
// -1: *stage and errno describe the failure. The process is unchanged, unless clinux_entry_broken is set in *stage.
// `words` receives the tools' messages, NUL-terminated.
int clinux_enter_user_namespace(const struct clinux_entry *entry, int *stage, char *words, unsigned long size);

enum { clinux_entry_broken = 0x100 };

// Returns 1 if this process has CAP_SYS_ADMIN now.
int clinux_is_administrator(void);
