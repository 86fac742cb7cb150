#include "CKVM.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

int ckvm_ioctl(int descriptor, unsigned long request, void *argument) { return ioctl(descriptor, request, argument); }

int ckvm_ioctl_number(int descriptor, unsigned long request, unsigned long argument) {
    return ioctl(descriptor, request, argument);
}

// A structure with its array, on the heap because the longest list may not fit a thread's stack.
static struct kvm_cpuid2 *cpuid_list(uint32_t count) {
    struct kvm_cpuid2 *list = calloc(1, sizeof *list + count * sizeof list->entries[0]);
    if (list) list->nent = count;
    return list;
}

static int read_cpuid(int descriptor, unsigned long request, struct kvm_cpuid_entry2 *entries, uint32_t capacity) {
    struct kvm_cpuid2 *list = cpuid_list(capacity);
    if (!list) return -1;
    int result = ioctl(descriptor, request, list);
    if (result == 0) {
        result = (int)(list->nent < capacity ? list->nent : capacity);
        memcpy(entries, list->entries, (size_t)result * sizeof *entries);
    }
    int error = errno;
    free(list);
    errno = error;
    return result;
}

int ckvm_supported_cpuid(int device, struct kvm_cpuid_entry2 *entries, uint32_t capacity) {
    return read_cpuid(device, KVM_GET_SUPPORTED_CPUID, entries, capacity);
}

void ckvm_own_cpuid(struct kvm_cpuid_entry2 *entry) {
    __cpuid(entry->function, entry->eax, entry->ebx, entry->ecx, entry->edx);
}

int ckvm_get_cpuid(int processor, struct kvm_cpuid_entry2 *entries, uint32_t capacity) {
    return read_cpuid(processor, KVM_GET_CPUID2, entries, capacity);
}

int ckvm_set_cpuid(int processor, const struct kvm_cpuid_entry2 *entries, uint32_t count) {
    struct kvm_cpuid2 *list = cpuid_list(count);
    if (!list) return -1;
    memcpy(list->entries, entries, count * sizeof *entries);
    int result = ioctl(processor, KVM_SET_CPUID2, list);
    int error = errno;
    free(list);
    errno = error;
    return result;
}

int ckvm_msr_indices(int device, uint32_t *indices, uint32_t capacity) {
    struct kvm_msr_list *list = calloc(1, sizeof *list + capacity * sizeof list->indices[0]);
    if (!list) return -1;
    list->nmsrs = capacity;
    int result = ioctl(device, KVM_GET_MSR_INDEX_LIST, list);
    if (result == 0) {
        result = (int)(list->nmsrs < capacity ? list->nmsrs : capacity);
        memcpy(indices, list->indices, (size_t)result * sizeof *indices);
    }
    int error = errno;
    free(list);
    errno = error;
    return result;
}

static int transfer_msrs(int processor, unsigned long request, struct kvm_msr_entry *entries, uint32_t count) {
    struct kvm_msrs *list = calloc(1, sizeof *list + count * sizeof list->entries[0]);
    if (!list) return -1;
    list->nmsrs = count;
    memcpy(list->entries, entries, count * sizeof *entries);
    int result = ioctl(processor, request, list);
    int error = errno;
    if (result > 0) memcpy(entries, list->entries, (size_t)result * sizeof *entries);
    free(list);
    errno = error;
    return result;
}

int ckvm_get_msrs(int processor, struct kvm_msr_entry *entries, uint32_t count) {
    return transfer_msrs(processor, KVM_GET_MSRS, entries, count);
}

int ckvm_set_msrs(int processor, const struct kvm_msr_entry *entries, uint32_t count) {
    // The kernel only reads here; the bytes that are copied back are unchanged.
    return transfer_msrs(processor, KVM_SET_MSRS, (struct kvm_msr_entry *)entries, count);
}

void ckvm_decode_exit(struct kvm_run *run, struct ckvm_exit *exit) {
    exit->reason = run->exit_reason;
    exit->count = 1;
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        exit->is_write = run->io.direction == KVM_EXIT_IO_OUT;
        exit->size = run->io.size;
        exit->port = run->io.port;
        exit->count = run->io.count;
        exit->data = (uint8_t *)run + run->io.data_offset;
        break;
    case KVM_EXIT_MMIO:
        exit->is_write = run->mmio.is_write;
        exit->size = run->mmio.len <= 8 ? (uint8_t)run->mmio.len : 8;
        exit->address = run->mmio.phys_addr;
        exit->data = run->mmio.data;
        break;
    case KVM_EXIT_FAIL_ENTRY: exit->detail = run->fail_entry.hardware_entry_failure_reason; break;
    case KVM_EXIT_INTERNAL_ERROR: exit->detail = run->internal.suberror; break;
    case KVM_EXIT_SYSTEM_EVENT: exit->detail = run->system_event.type; break;
    }
}

void ckvm_set_immediate_exit(struct kvm_run *run, int value) {
    __atomic_store_n(&run->immediate_exit, (uint8_t)value, __ATOMIC_SEQ_CST);
}

static void ignore(int signal) { (void)signal; }

int ckvm_prepare_kick(void) {
    // Without SA_RESTART, because the signal must interrupt the call.
    struct sigaction action = {.sa_handler = ignore};
    if (sigaction(SIGRTMIN, &action, NULL) != 0) return -1;
    // Threads of a pool block all signals, and their children inherit that.
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, SIGRTMIN);
    errno = pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
    return errno == 0 ? 0 : -1;
}

int ckvm_kick(unsigned long thread) { return pthread_kill((pthread_t)thread, SIGRTMIN); }

unsigned long ckvm_this_thread(void) { return (unsigned long)pthread_self(); }

uint64_t ckvm_thread_time(unsigned long thread) {
    clockid_t clock;
    struct timespec time;
    if (pthread_getcpuclockid((pthread_t)thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
    const uint64_t nanoseconds_per_second = 1000000000;
    return (uint64_t)time.tv_sec * nanoseconds_per_second + (uint64_t)time.tv_nsec;
}
