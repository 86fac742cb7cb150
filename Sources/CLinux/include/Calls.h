// System calls that a seccomp filter passes to this process (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)).
#pragma once

#include <stdint.h>

struct clinux_call {
    uint64_t id;
    int32_t process;  // its PID in the namespace of this process
    uint32_t architecture;
    int32_t number;
    uint64_t arguments[6];
};

// Receives the next pending call. -1 with ENOENT: the caller was killed meanwhile.
int clinux_next_call(int listener, struct clinux_call *call);

// Returns 0 if the caller still waits: then its PID was not reused.
int clinux_check_call(int listener, uint64_t id);

// Completes a call with an error, or with 0.
int clinux_answer_call(int listener, uint64_t id, int error);

// Sends a descriptor over a socket; safe between clone and exec.
int clinux_send_descriptor(int socket, int descriptor);

// Receives a descriptor that a child sent with clinux_step_filter.
int clinux_receive_descriptor(int socket);

// A pair of sockets for clinux_receive_descriptor.
int clinux_socket_pair(int ends[2]);

// A device in the kernel's own encoding, and the owner of its node.
struct clinux_node {
    uint32_t device;
    uint32_t uid;
    uint32_t gid;
};

// Makes a node with its owner's IDs, and with this thread's capabilities.
int clinux_make_node(int directory, const char *name, unsigned mode, const struct clinux_node *node);
