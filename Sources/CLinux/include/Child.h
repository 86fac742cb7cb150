// A child process in namespaces of its own. Between clone and exec it does a list of steps that the parent prepared.
// Every string is ready, nothing allocates, and the first step that fails is recorded in the report file.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    clinux_step_isolate_mounts,   // mounts from here on are invisible on the host
    clinux_step_attach,           // descriptor: a mount; path: where to attach it
    clinux_step_keep,             // list: the descriptors that stay open, in order; mode: their number
    clinux_step_clone,            // descriptor: a file in an attached mount, becomes a mount of it; flags: attributes
    clinux_step_place,            // descriptor: a mount; path: where to attach it inside the root
    clinux_step_join_group,       // descriptor: the cgroup.procs or tasks file of a control group, open for writing
    clinux_step_join_namespace,   // descriptor: a namespace; flags: its kind, CLONE_NEW*
    clinux_step_terminal,         // descriptor: the terminal that controls the session
    clinux_step_filter,           // list: a seccomp program, two words for each instruction; mode: the number of those;
                                  // descriptor: a socket that receives the filter's listener, or -1 for none
    clinux_step_enter,            // descriptor: the new root, attached; the old one is mounted over it
    clinux_step_leave,            // path: /; the mount over the root is unmounted
    clinux_step_chroot,           // descriptor: the new root, without a mount namespace
    clinux_step_mount,            // source, path, type, flags, data; descriptor: the mount to attach on EPERM
    clinux_step_stub_directory,   // path: a mount point, made and reported if missing
    clinux_step_true_directory,   // the same, but a link is an error
    clinux_step_stub_file,        // path: the same for a file
    clinux_step_make_directory,   // path, mode
    clinux_step_make_node,        // path, mode, device in flags
    clinux_step_make_link,        // source: the link's target; path
    clinux_step_owned_directory,  // path, uid in flags, gid in more: made with this owner if missing
    clinux_step_mask,             // path: hidden if it exists; descriptor: a mount of an empty file
    clinux_step_protect,          // path: made read-only if it exists
    clinux_step_hostname,         // path: the name
    clinux_step_loopback,         // brings lo up
    clinux_step_affinity,         // list: a mask of CPUs, the low half of each 64-bit word first; mode: its 32-bit words
    clinux_step_limit,            // mode: resource; flags: soft; more: hard
    clinux_step_bound,            // flags: the bounding set of capabilities
    clinux_step_groups,           // list: supplementary groups, mode: their number
    clinux_step_become_root,      // takes ID 0 of the user namespace just entered
    clinux_step_identity,         // flags: uid; more: gid
    clinux_step_keep_identity,    // the same; mode: the capabilities that the command keeps, below 32
    clinux_step_capabilities,     // flags: the effective and permitted capabilities; for uid 0 alone
    clinux_step_directory,        // path: the working directory
    clinux_step_no_new_privileges,
};

struct clinux_step {
    int kind;
    int descriptor;
    unsigned mode;
    uint64_t flags;
    uint64_t more;
    const char *path;
    const char *source;
    const char *type;
    const char *data;
    const uint32_t *list;
};

// The descriptor of the status pipe in the launcher.
enum { clinux_launcher_status = 3 };

struct clinux_child {
    uint64_t namespaces;  // CLONE_NEW* of the inner child
    const struct clinux_step *steps;
    size_t outer_count;  // number of the first steps, which the outer child does
    size_t step_count;
    char *const *arguments;  // the launcher's: PATH, then the command
    char *const *environment;
    int streams[3];
    int group;     // directory of a group of cgroup v2 to start in, or -1
    int launcher;  // the file of clinux_make_launcher
    int status;    // write end of the status pipe: the launcher writes errno there; exec of the command closes it
    int report;    // file to which the children append reports
    int anchor;    // PID namespace around that of the inner child, or -1
    int pidfd;     // set by clinux_start: the inner child, or -1 if a step before it failed
    // Used by clinux_start.
    char *stacks;
    int outer;
    int parent;
};

enum { clinux_report_failure, clinux_report_stub };

// One record of the report file, followed by path_length bytes of path.
struct clinux_report {
    int32_t kind;
    int32_t step;  // index of the step; step_count for a failure after the steps
    int32_t error;
    int32_t path_length;
    int32_t is_directory;
    int32_t reserved;
    int64_t modified[2];  // mtime of the parent before the stub: seconds, nanoseconds
    int64_t settled[2];   // the same after it
};

// Starts the child. Returns 0 when both children have left this process's memory; the status pipe closes when the
// command runs or has failed. child->pidfd is -1 if no inner child was made; the report file then names the step.
// *cloned_at is CLOCK_MONOTONIC in nanoseconds before the first clone. -1: no child was made; see errno.
int clinux_start(struct clinux_child *child, int64_t *cloned_at);

// The same with a supervisor in between, whose pidfd is child->pidfd. It exits as the command does, after all processes
// that the command started. SIGTERM, or the end of the calling thread, makes it end them at once. It returns before the
// children have done their steps: the status pipe closes when the command runs or has failed.
int clinux_supervise(struct clinux_child *child, int64_t *cloned_at);

// Makes an empty file in memory, close-on-exec.
int clinux_memory_file(const char *name);

// Make the programs of launcher.c in sealed memory files.
int clinux_make_launcher(void);
int clinux_make_holder(void);

// Starts the anchor: the init of a PID namespace, which ends with the calling thread. When its init ends, the kernel
// kills every process of a PID namespace, and of those inside it. Returns the namespace's descriptor. `status` is the
// write end of a pipe that this process reads.
int clinux_start_anchor(int holder, int status);

// Kills the anchor and thereby every container, and waits for their end. Safe in a signal handler; the process must
// exit afterwards, since this reaps other threads' children. 0: some had not ended before the limit.
int clinux_end_containers(int milliseconds);

// Returns 1 after a call of clinux_end_containers.
int clinux_is_ending(void);

// Returns 1 if a child can be started in a group of cgroup v2.
int clinux_has_clone3(void);

// Waits for the process of a pidfd. 0: *value is its exit status. 1: *value is the signal that ended it.
int clinux_wait(int pidfd, int *value);

int clinux_pidfd_signal(int pidfd, int signal);

// Makes a network namespace, owned by the user namespace `users` (-1: this process's), and returns its descriptor.
int clinux_make_network(int users);

// Makes a user namespace and returns its descriptor. `map` is the text of its uid_map and gid_map.
int clinux_make_users(int holder, const char *map);

// Unlocks the slave of a pseudo-terminal, so that it can be opened.
int clinux_unlock_terminal(int master);

// Gives the terminal `to` the size of `from`.
void clinux_copy_size(int from, int to);

// From now on the terminal `to` gets the size of `from`; one pair for each process. -1 stops it.
void clinux_follow_size(int from, int to);

// Enters the network namespace of `descriptor`. Afterwards use the thread only for sockets in that namespace.
int clinux_enter_network(int descriptor);

enum {
    clinux_new_mounts = 0x00020000,
    clinux_new_cgroup = 0x02000000,
    clinux_new_uts = 0x04000000,
    clinux_new_ipc = 0x08000000,
    clinux_new_users = 0x10000000,
    clinux_new_pid = 0x20000000,
    clinux_new_network = 0x40000000,
};
