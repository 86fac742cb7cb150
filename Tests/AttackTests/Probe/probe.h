// The attack probe: a static program that runs inside a container and tries forbidden operations.
//
//     probe RESULTS [KEY PORT]     tries everything and writes one line per probe to RESULTS ("-" is stdout)
//     probe facts RESULTS          writes the facts only
//     probe serve KEY              acts as the host: holds the objects that a container must not reach
//     probe outlive MODE KEY       stays, in a mode that makes it hard to kill
//
// A line is `NAME allowed|refused ERRNO` for an attempt, and `NAME value TEXT` for a fact.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// System calls that are newer than the C library's headers.
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsmount 432
#define SYS_fspick 433
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#ifndef SYS_lsm_set_self_attr
#define SYS_lsm_set_self_attr 460
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

// One attempt, which runs in a process of its own.
struct attempt {
    const char *name;
    // Returns at least 0 if the kernel did it; -1 and errno otherwise.
    long (*run)(void);
    // Errors that the kernel returns only after the permission check; 0 ends the list.
    int granted[4];
};

// A property of the container, as text without blanks.
struct fact {
    const char *name;
    void (*read)(char *text, size_t size);
};

// The lists end with an entry without a name.
extern const struct attempt mount_attempts[], namespace_attempts[], kernel_attempts[], device_attempts[];
extern const struct attempt identity_attempts[], file_attempts[], socket_attempts[], abi_attempts[], host_attempts[];
extern const struct fact facts[];

// The key of the host's objects, and the port of its listener; empty and 0 without a host.
extern const char *host_key;
extern int host_port;

// Holds the host's objects until SIGTERM.
int serve(const char *key);

// Stays until it is killed; exits by itself after some time. Returns only on an error.
int outlive(const char *manner);

// Returns the number for a key, for IPC calls of the kernel.
int key_number(const char *key);

// Opens and closes a file. Returns at least 0 if it could be opened.
long try_open(const char *path, int flags);

// Returns 0 if a file can be read and has content, or a directory has entries; ENODATA if it is empty.
long try_content(const char *path);
