// Entering a user namespace with a mount namespace in it, for a process that has one thread.
#pragma once

// What an unprivileged process asks for. A tool's arguments end in NULL; NULL in their place: there is no tool, or
// nothing that it would be asked for.
struct clinux_entry {
    char *const *map_users;    // newuidmap PID INSIDE OUTSIDE COUNT ...
    char *const *map_groups;   // newgidmap PID INSIDE OUTSIDE COUNT ...
    const char *all_users;     // lines for uid_map that need privileges, written where there is no tool; or NULL
    const char *all_groups;
    const char *single_user;   // the line that everybody may write, for when nothing better came about
    const char *single_group;
};

enum {
    clinux_entry_unshare,  // making the namespaces
    clinux_entry_map,      // naming the own user and group in them
    clinux_entry_mount,    // changing a mount in them
    clinux_entry_help,     // starting and hearing the helper
};

// Enters new user and mount namespaces, after a child has tried that it works. 0: entered, with at least one user.
// -1: *stage and errno say what failed; the process is as it was, unless clinux_entry_broken is set in *stage.
// `words` receives what the tools complained about, NUL-ended.
int clinux_enter_user_namespace(const struct clinux_entry *entry, int *stage, char *words, unsigned long size);

enum { clinux_entry_broken = 0x100 };

// Whether this process has CAP_SYS_ADMIN now.
int clinux_is_administrator(void);
