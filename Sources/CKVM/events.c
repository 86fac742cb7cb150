#include "CKVM.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

_Static_assert(ckvm_event_read == EPOLLIN && ckvm_event_write == EPOLLOUT, "the kernel's numbers");
_Static_assert(ckvm_event_error == EPOLLERR && ckvm_event_hangup == EPOLLHUP, "the kernel's numbers");

int ckvm_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int ckvm_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, descriptor, events, token);
}

int ckvm_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, descriptor, events, token);
}

int ckvm_epoll_remove(int epoll, int descriptor) { return control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0); }

int ckvm_epoll_wait(int epoll, struct ckvm_event events[ckvm_event_batch], int milliseconds) {
    struct epoll_event found[ckvm_event_batch];
    int count = epoll_wait(epoll, found, ckvm_event_batch, milliseconds);
    for (int index = 0; index < count; index++) {
        events[index].token = found[index].data.u64;
        events[index].events = found[index].events;
    }
    return count;
}

int ckvm_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void ckvm_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    // If the counter is full, the event was signalled already.
    (void)!write(descriptor, &one, sizeof one);
}

void ckvm_eventfd_clear(int descriptor) {
    uint64_t count;
    (void)!read(descriptor, &count, sizeof count);
}

long ckvm_random(void *buffer, size_t count) { return getrandom(buffer, count, 0); }
