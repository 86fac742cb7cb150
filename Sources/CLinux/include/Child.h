// A child process in namespaces of its own. What it does between clone and exec is a list of steps that the parent
// prepared: every string is ready, nothing allocates, and the first step that fails is named on the status pipe.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    clinux_step_isolate_mounts,   // nothing mounted from here on shows on the host
    clinux_step_attach,           // descriptor: a mount; path: its place
    clinux_step_keep,             // list: the descriptors that stay open, in order; mode: their number
    clinux_step_clone,            // descriptor: a place in an attached mount, then a mount of it; flags: attributes
    clinux_step_place,            // descriptor: a mount; path: its place inside the root
    clinux_step_join_group,       // descriptor: the list of a control group, open for writing
    clinux_step_join_namespace,   // descriptor: a namespace; flags: its kind, CLONE_NEW*
    clinux_step_unshare,          // flags: CLONE_NEW* left for ever
    clinux_step_terminal,         // descriptor: the terminal that controls the session
    clinux_step_filter,           // list: a seccomp program, two words an instruction; mode: their number;
                                  // descriptor: a socket that receives the filter's listener, or -1 for none
    clinux_step_enter,            // descriptor: the new root, attached; the old one lies over it
    clinux_step_leave,            // path: /; what lies over the root is unmounted
    clinux_step_chroot,           // descriptor: the new root, where there is no mount namespace
    clinux_step_mount,            // source, path, type, flags, data; descriptor: what to attach where that is not allowed
    clinux_step_stub_directory,   // path: a mount point, made and reported where it is missing
    clinux_step_true_directory,   // the same, but never a link
    clinux_step_stub_file,        // path: the same for a file
    clinux_step_make_directory,   // path, mode
    clinux_step_make_node,        // path, mode, device in flags; source: the host's node where mknod is not allowed
    clinux_step_make_link,        // source: what the link holds; path
    clinux_step_owned_directory,  // path, uid in flags, gid in more: made for its owner where it is missing
    clinux_step_mask,             // path: hidden where it exists; descriptor: a mount of an empty file
    clinux_step_protect,          // path: read-only from now on, where it exists
    clinux_step_hostname,         // path: the name
    clinux_step_loopback,         // brings lo up
    clinux_step_affinity,         // list: a mask of CPUs, the low half of each 64-bit word first; mode: its 32-bit words
    clinux_step_limit,            // mode: resource; flags: soft; more: hard
    clinux_step_bound,            // flags: the capabilities that may ever be had
    clinux_step_groups,           // list: supplementary groups, mode: their number
    clinux_step_become_root,      // takes the number 0 of the user namespace just entered
    clinux_step_identity,         // flags: uid; more: gid
    clinux_step_capabilities,     // flags: the capabilities held now; for uid 0 alone
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
    size_t outer_count;  // the first steps are the outer child's
    size_t step_count;
    char *const *arguments;  // the launcher's: PATH, then the command
    char *const *environment;
    int streams[3];
    int group;     // directory of a group of cgroup v2 to start in, or -1
    int launcher;  // the file of clinux_make_launcher
    int status;    // write end of the status pipe: the launcher writes errno there; the command's start closes it
    int report;    // file to which the children append reports
    int anchor;    // PID namespace around that of the inner child, or -1
    int pidfd;     // set by clinux_start: the inner child, or -1 where a step before it failed
    // Used by clinux_start.
    char *stacks;
    int outer;
    int parent;
};

enum { clinux_report_failure, clinux_report_stub };

// One record of the report file, followed by path_length bytes of path.
struct clinux_report {
    int32_t kind;
    int32_t step;  // the number of the step; step_count is what follows the steps
    int32_t error;
    int32_t path_length;
    int32_t is_directory;
    int32_t reserved;
    int64_t modified[2];  // of the parent before the stub: seconds, nanoseconds
    int64_t settled[2];   // the same after it
};

// Starts the child. Returns 0 when both children have left this process's memory; the status pipe ends when the
// command runs or has failed. child->pidfd is -1 if no inner child was made; the report file then names the step.
// *cloned_at is CLOCK_MONOTONIC in nanoseconds before the first clone. -1: no child was made; see errno.
int clinux_start(struct clinux_child *child, int64_t *cloned_at);

// The same with a supervisor between, which child->pidfd stands for. It ends as the command does, after all that the
// command started; SIGTERM, or the end of the thread that calls this, makes it end that at once. It returns while the
// children are on their way: the status pipe's end tells that the command runs or has failed.
int clinux_supervise(struct clinux_child *child, int64_t *cloned_at);

// An empty file in memory, close-on-exec.
int clinux_memory_file(const char *name);

// Make the programs of launcher.c in sealed memory files.
int clinux_make_launcher(void);
int clinux_make_holder(void);

// Starts the anchor: the init of a PID namespace, which ends with the calling thread. The kernel kills every process
// of a PID namespace, and of those inside it, when its init ends. Returns the namespace's descriptor.
// `status` is the write end of a pipe that this process reads.
int clinux_start_anchor(int holder, int status);

// Kills the anchor and thereby every container, and waits for their end. Safe in a signal handler; the process must
// exit afterwards, since other threads' children are waited for here. 0: some lived longer than the limit.
int clinux_end_containers(int milliseconds);

// 1 once clinux_end_containers was called.
int clinux_is_ending(void);

// 1 if a child can be started in a group of cgroup v2.
int clinux_has_clone3(void);

// Waits for the process of a pidfd. 0: *value is its exit status. 1: *value is the signal that ended it.
int clinux_wait(int pidfd, int *value);

int clinux_pidfd_signal(int pidfd, int signal);

// Makes a network namespace, owned by the user namespace `users` (-1: this process's), and returns its descriptor.
int clinux_make_network(int users);

// Makes a user namespace and returns its descriptor. `map` is the text of its uid_map and gid_map.
int clinux_make_users(int holder, const char *map);

// Lets the other side of a pseudo-terminal be opened.
int clinux_unlock_terminal(int master);

// Gives the terminal `to` the size of `from`.
void clinux_copy_size(int from, int to);

// From now on the terminal `to` has the size of `from`, in a process that has one such pair; -1 ends it.
void clinux_follow_size(int from, int to);

// A socket in the network namespace behind `descriptor`. The thread must not be used for anything afterwards.
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
