// Mount points inside the container's root, for the child alone. The root may be hostile: no path is taken through the
// links of /proc that jump to whatever a descriptor holds (/proc/self/fd/3), which could be a directory of the host.
#pragma once

#include "CLinux.h"

// Opens what a path of the container names, without reading it (O_PATH). `flags` may hold O_DIRECTORY.
int clinux_resolve(const char *path, int flags);

// Opens the directory that holds the last component, and gives that component.
int clinux_resolve_parent(const char *path, const char **name);

// Makes a directory or file, and missing parents, where nothing is; each is written to the report file.
int clinux_stub(int report, const char *path, int is_directory);

// The same for the kernel's own file systems, whose mount points may not be links.
int clinux_true_directory(int report, const char *path);

// Gives a mount, which has none yet, its place in the container.
int clinux_place(int mount, const char *path);

// Appends a record to the report file.
int clinux_send_report(int file, struct clinux_report *report, const char *path);
