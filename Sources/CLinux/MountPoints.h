// Mount points inside the container's root, for the child alone. The root may be hostile: no path is resolved through
// the magic links of /proc, such as /proc/self/fd/3. They could lead to a directory of the host.
#pragma once

#include "CLinux.h"

// Opens the file at a path of the container without reading it (O_PATH). `flags` may contain O_DIRECTORY.
int clinux_resolve(const char *path, int flags);

// Opens the directory of the last component, and sets `name` to that component.
int clinux_resolve_parent(const char *path, const char **name);

// Makes a directory or file, and missing parents, if nothing exists there. Each is written to the report file.
int clinux_stub(int report, const char *path, int is_directory);

// The same for the kernel's own file systems, whose mount points must not be links.
int clinux_true_directory(int report, const char *path);

// Attaches a detached mount at its path in the container.
int clinux_place(int mount, const char *path);

// Appends a record to the report file.
int clinux_send_report(int file, struct clinux_report *report, const char *path);
