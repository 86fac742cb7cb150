#include "CKVM.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int ckvm_forbid_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int ckvm_forbid_files(void) {
    // Rights of the first version of Landlock, which every kernel that has it knows; none of them is granted anywhere.
    struct landlock_ruleset_attr attributes = {.handled_access_fs = (1u << 13) - 1};
    long rules = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0) return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
    int result = (int)syscall(SYS_landlock_restrict_self, (int)rules, 0);
    int error = errno;
    close((int)rules);
    errno = error;
    return result;
}

// Appends the instructions that allow one number and go on with the next otherwise.
static size_t allow_equal(struct sock_filter *program, size_t length, uint32_t value) {
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return length;
}

int ckvm_allow_calls(const uint32_t *calls, size_t call_count, const uint32_t *requests, size_t request_count) {
    struct sock_filter *program = calloc(16 + 2 * (call_count + request_count), sizeof *program);
    if (!program) return -1;
    size_t length = 0;
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < call_count; i++) length = allow_equal(program, length, calls[i]);
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[length++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + sizeof(uint64_t));
    for (size_t i = 0; i < request_count; i++) length = allow_equal(program, length, requests[i]);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog whole = {.len = (unsigned short)length, .filter = program};
    int result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0);
    int error = errno;
    free(program);
    errno = error;
    return result;
}
