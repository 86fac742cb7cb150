// The same calls through the kernel's other entries: a filter for one table of numbers must also refuse the others.
#include "probe.h"

#include <sched.h>

#if defined(__x86_64__)
static long int80(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third), "S"(0), "D"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}
static long int80_unshare(void) { return int80(310, CLONE_NEWUSER, 0, 0); }
static long int80_mount(void) { return int80(21, 0, 0, 0); }
static long int80_keyctl(void) { return int80(288, 0, -3, 1); }
static long int80_bpf(void) { return int80(357, 0, 0, 0); }
static long int80_vsock(void) { return int80(359, 40, 1, 0); }
static long int80_socketcall(void) { return int80(102, 99, 0, 0); }
static long int80_modify(void) { return int80(123, 0, 0, 0); }
static long int80_io_uring(void) { return int80(425, 0, 0, 0); }

static long x32(long number, long first) { return syscall(0x40000000L + number, first, 0, 0, 0, 0); }
static long x32_unshare(void) { return x32(SYS_unshare, CLONE_NEWUSER); }
static long x32_mount(void) { return x32(SYS_mount, 0); }
static long x32_keyctl(void) { return x32(SYS_keyctl, 0); }
#endif

static long unknown_call(void) { return syscall(4000); }

const struct attempt abi_attempts[] = {
#if defined(__x86_64__)
    {"int80-unshare-user", int80_unshare, {0}},
    {"int80-mount", int80_mount, {EFAULT, EINVAL}},
    {"int80-keyctl", int80_keyctl, {ENOKEY}},
    {"int80-bpf", int80_bpf, {EINVAL, EFAULT}},
    {"int80-vsock", int80_vsock, {0}},
    {"int80-socketcall", int80_socketcall, {EINVAL}},
    {"int80-modify-ldt", int80_modify, {0}},
    {"int80-io-uring", int80_io_uring, {EFAULT, EINVAL}},
    {"x32-unshare-user", x32_unshare, {0}},
    {"x32-mount", x32_mount, {EFAULT, EINVAL}},
    {"x32-keyctl", x32_keyctl, {ENOKEY}},
#endif
    {"unknown-call", unknown_call, {0}},
    {0},
};
