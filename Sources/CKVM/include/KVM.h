// The ioctls of /dev/kvm (Linux: Documentation/virt/kvm/api.rst). Functions return -1 and set errno where they fail.
#pragma once

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

// Requests that take a pointer to one fixed structure, or nothing, or a number.
static const unsigned long ckvm_get_api_version = KVM_GET_API_VERSION;
static const unsigned long ckvm_check_extension = KVM_CHECK_EXTENSION;
static const unsigned long ckvm_create_vm = KVM_CREATE_VM;
static const unsigned long ckvm_get_vcpu_mmap_size = KVM_GET_VCPU_MMAP_SIZE;
static const unsigned long ckvm_set_tss_address = KVM_SET_TSS_ADDR;
static const unsigned long ckvm_create_irqchip = KVM_CREATE_IRQCHIP;
static const unsigned long ckvm_create_vcpu = KVM_CREATE_VCPU;
static const unsigned long ckvm_set_memory = KVM_SET_USER_MEMORY_REGION;
static const unsigned long ckvm_irqfd = KVM_IRQFD;
static const unsigned long ckvm_ioeventfd = KVM_IOEVENTFD;
static const unsigned long ckvm_get_clock = KVM_GET_CLOCK;
static const unsigned long ckvm_set_clock = KVM_SET_CLOCK;
static const unsigned long ckvm_get_irqchip = KVM_GET_IRQCHIP;
static const unsigned long ckvm_set_irqchip = KVM_SET_IRQCHIP;
static const unsigned long ckvm_run = KVM_RUN;
static const unsigned long ckvm_get_registers = KVM_GET_REGS;
static const unsigned long ckvm_set_registers = KVM_SET_REGS;
static const unsigned long ckvm_get_special_registers = KVM_GET_SREGS;
static const unsigned long ckvm_set_special_registers = KVM_SET_SREGS;
static const unsigned long ckvm_set_fpu = KVM_SET_FPU;
static const unsigned long ckvm_get_lapic = KVM_GET_LAPIC;
static const unsigned long ckvm_set_lapic = KVM_SET_LAPIC;
static const unsigned long ckvm_get_mp_state = KVM_GET_MP_STATE;
static const unsigned long ckvm_set_mp_state = KVM_SET_MP_STATE;
static const unsigned long ckvm_get_xsave = KVM_GET_XSAVE;
static const unsigned long ckvm_set_xsave = KVM_SET_XSAVE;
static const unsigned long ckvm_get_xsave2 = KVM_GET_XSAVE2;
static const unsigned long ckvm_get_xcrs = KVM_GET_XCRS;
static const unsigned long ckvm_set_xcrs = KVM_SET_XCRS;
static const unsigned long ckvm_get_debug_registers = KVM_GET_DEBUGREGS;
static const unsigned long ckvm_set_debug_registers = KVM_SET_DEBUGREGS;
static const unsigned long ckvm_get_events = KVM_GET_VCPU_EVENTS;
static const unsigned long ckvm_set_events = KVM_SET_VCPU_EVENTS;
static const unsigned long ckvm_get_tsc_khz = KVM_GET_TSC_KHZ;
static const unsigned long ckvm_set_tsc_khz = KVM_SET_TSC_KHZ;
static const unsigned long ckvm_kvmclock_control = KVM_KVMCLOCK_CTRL;

int ckvm_ioctl(int descriptor, unsigned long request, void *argument);
int ckvm_ioctl_number(int descriptor, unsigned long request, unsigned long argument);

// Requests whose structures end in an array. Counts never exceed `capacity`.
int ckvm_supported_cpuid(int device, struct kvm_cpuid_entry2 *entries, uint32_t capacity);
/// Fills in this processor's own CPUID leaf `entry->function`.
void ckvm_own_cpuid(struct kvm_cpuid_entry2 *entry);
int ckvm_get_cpuid(int processor, struct kvm_cpuid_entry2 *entries, uint32_t capacity);
int ckvm_set_cpuid(int processor, const struct kvm_cpuid_entry2 *entries, uint32_t count);
int ckvm_msr_indices(int device, uint32_t *indices, uint32_t capacity);
/// Returns the number of registers that were read or set; fewer than `count` if one is refused.
int ckvm_get_msrs(int processor, struct kvm_msr_entry *entries, uint32_t count);
int ckvm_set_msrs(int processor, const struct kvm_msr_entry *entries, uint32_t count);

// The decoded exit of a processor, from the union in kvm_run.
struct ckvm_exit {
    uint32_t reason;
    /// An access of the guest to a port or to an address without memory.
    uint8_t is_write, size;
    uint16_t port;
    uint32_t count;
    uint64_t address;
    /// The bytes of the access: to read after a write, to fill in for a read.
    uint8_t *data;
    /// Further details: the event's type, the hardware's reason, or the internal error's suberror.
    uint64_t detail;
};
void ckvm_decode_exit(struct kvm_run *run, struct ckvm_exit *exit);
void ckvm_set_immediate_exit(struct kvm_run *run, int value);

enum {
    ckvm_exit_io = KVM_EXIT_IO,
    ckvm_exit_hlt = KVM_EXIT_HLT,
    ckvm_exit_mmio = KVM_EXIT_MMIO,
    ckvm_exit_shutdown = KVM_EXIT_SHUTDOWN,
    ckvm_exit_fail_entry = KVM_EXIT_FAIL_ENTRY,
    ckvm_exit_interrupted = KVM_EXIT_INTR,
    ckvm_exit_internal_error = KVM_EXIT_INTERNAL_ERROR,
    ckvm_exit_system_event = KVM_EXIT_SYSTEM_EVENT,
};

/// Makes the signal that interrupts KVM_RUN harmless, and unblocks it for the calling thread.
int ckvm_prepare_kick(void);
/// Interrupts a thread's KVM_RUN, or its next one if immediate exit is set.
int ckvm_kick(unsigned long thread);
unsigned long ckvm_this_thread(void);
/// Returns the processor time of a thread in nanoseconds; the thread must not have ended.
uint64_t ckvm_thread_time(unsigned long thread);
