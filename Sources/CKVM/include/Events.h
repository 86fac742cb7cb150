// epoll, eventfd and random bytes: Swift's Glibc module does not have their headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// An event of one descriptor of an epoll instance.
struct ckvm_event {
    /// The value that was passed when the descriptor was added.
    uint64_t token;
    uint32_t events;
};

enum {
    ckvm_event_read = 0x001,
    ckvm_event_write = 0x004,
    ckvm_event_error = 0x008,
    ckvm_event_hangup = 0x010,
    /// The maximum number of events of one wait.
    ckvm_event_batch = 32,
};

int ckvm_epoll(void);
int ckvm_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int ckvm_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t token);
int ckvm_epoll_remove(int epoll, int descriptor);
/// Waits up to `milliseconds`, forever if it is negative; returns the number of events.
int ckvm_epoll_wait(int epoll, struct ckvm_event events[ckvm_event_batch], int milliseconds);

/// Makes a non-blocking counter.
int ckvm_eventfd(void);
/// Adds one to the counter.
void ckvm_eventfd_signal(int descriptor);
/// Sets the counter to zero.
void ckvm_eventfd_clear(int descriptor);

/// Fills a buffer with random bytes; returns their number, which is `count` if that is at most 256.
long ckvm_random(void *buffer, size_t count);
