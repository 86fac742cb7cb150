// Waiting for many descriptors, and descriptors that count: Swift's Glibc module has neither header.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// What happened to one descriptor of an epoll instance.
struct ckvm_event {
    /// Given when the descriptor was added.
    uint64_t token;
    uint32_t events;
};

enum {
    ckvm_event_read = 0x001,
    ckvm_event_write = 0x004,
    ckvm_event_error = 0x008,
    ckvm_event_hangup = 0x010,
    /// The most events that one wait gives.
    ckvm_event_batch = 32,
};

int ckvm_epoll(void);
int ckvm_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int ckvm_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t token);
int ckvm_epoll_remove(int epoll, int descriptor);
/// Waits up to `milliseconds`, for ever where it is negative; gives the number of events.
int ckvm_epoll_wait(int epoll, struct ckvm_event events[ckvm_event_batch], int milliseconds);

/// A counter, not blocking.
int ckvm_eventfd(void);
/// Adds one.
void ckvm_eventfd_signal(int descriptor);
/// Sets it to zero.
void ckvm_eventfd_clear(int descriptor);

/// Random bytes; gives how many, which is never fewer than asked where that is at most 256.
long ckvm_random(void *buffer, size_t count);
