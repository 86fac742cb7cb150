// Files of /proc, /sys and the cgroup trees: opened for writing, or read if their content has facts about the host.
#include "probe.h"

#include <dirent.h>

#define WRITE(function, path) \
    static long function(void) { return try_open(path, O_WRONLY); }
#define READ(function, path) \
    static long function(void) { return try_content(path); }

WRITE(core_pattern, "/proc/sys/kernel/core_pattern")
WRITE(modprobe, "/proc/sys/kernel/modprobe")
WRITE(hotplug, "/proc/sys/kernel/hotplug")
WRITE(uevent_helper, "/sys/kernel/uevent_helper")
WRITE(binfmt, "/proc/sys/fs/binfmt_misc/register")
WRITE(sysrq, "/proc/sys/kernel/sysrq")
WRITE(sysrq_trigger, "/proc/sysrq-trigger")
WRITE(panic, "/proc/sys/kernel/panic")
WRITE(last_pid, "/proc/sys/kernel/ns_last_pid")
WRITE(randomize, "/proc/sys/kernel/randomize_va_space")
WRITE(shared_memory, "/proc/sys/kernel/shmmax")
WRITE(proc_host_name, "/proc/sys/kernel/hostname")
WRITE(drop_caches, "/proc/sys/vm/drop_caches")
WRITE(overcommit, "/proc/sys/vm/overcommit_memory")
WRITE(protected_links, "/proc/sys/fs/protected_symlinks")
WRITE(mqueue_limit, "/proc/sys/fs/mqueue/queues_max")
WRITE(user_namespaces, "/proc/sys/user/max_user_namespaces")
WRITE(forwarding, "/proc/sys/net/ipv4/ip_forward")
WRITE(irq, "/proc/irq/default_smp_affinity")
WRITE(mtrr, "/proc/mtrr")
WRITE(bus, "/proc/bus/pci/00/00.0")
WRITE(kernel_memory, "/proc/kcore")
WRITE(power_state, "/sys/power/state")
WRITE(ksm, "/sys/kernel/mm/ksm/run")
WRITE(profiling, "/sys/kernel/profiling")
WRITE(loop_uevent, "/sys/block/loop0/uevent")
WRITE(net_alias, "/sys/class/net/lo/ifalias")
WRITE(module_parameter, "/sys/module/kernel/parameters/panic")
WRITE(rescan, "/sys/bus/pci/rescan")
WRITE(cpu_online, "/sys/devices/system/cpu/cpu1/online")
WRITE(crash, "/sys/kernel/kexec_crash_size")

READ(kcore, "/proc/kcore")
READ(keys, "/proc/keys")
READ(latency, "/proc/latency_stats")
READ(timer_list, "/proc/timer_list")
READ(sched_debug, "/proc/sched_debug")
READ(acpi, "/proc/acpi")
READ(scsi, "/proc/scsi")
READ(asound, "/proc/asound")
READ(interrupts, "/proc/interrupts")
READ(kmsg, "/proc/kmsg")
READ(page_flags, "/proc/kpageflags")
READ(page_count, "/proc/kpagecount")
READ(allocations, "/proc/vmallocinfo")
READ(slabs, "/proc/slabinfo")
READ(firmware, "/sys/firmware")
READ(powercap, "/sys/devices/virtual/powercap")
READ(debug_files, "/sys/kernel/debug")
READ(trace_files, "/sys/kernel/tracing")
READ(security_files, "/sys/kernel/security")
READ(first_environment, "/proc/1/environ")
READ(efi, "/sys/firmware/efi/efivars")

// Lowers the score: the kernel would kill other processes before this one.
static long score(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    return file < 0 ? -1 : write(file, "-1000", 5);
}

// Reads the kernel's addresses: allowed if a line doesn't begin with zeros.
static long addresses(void) {
    char text[17] = "";
    int file = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, 16) != 16) return -1;
    return strcmp(text, "0000000000000000") == 0 ? (errno = ENODATA, -1) : 0;
}

// Tries one action in /sys/fs/cgroup and in each tree below it.
static long in_cgroups(long (*act)(const char *)) {
    if (act("/sys/fs/cgroup") >= 0) return 0;
    int error = errno;
    DIR *trees = opendir("/sys/fs/cgroup");
    if (!trees) return -1;
    for (struct dirent *entry; (entry = readdir(trees));) {
        if (entry->d_name[0] == '.') continue;
        char path[512];
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s", entry->d_name);
        if (act(path) >= 0) return 0;
        if (errno != ENOTDIR && errno != ENOENT) error = errno;
    }
    errno = error;
    return -1;
}
static long make_group_in(const char *tree) {
    char path[600];
    snprintf(path, sizeof path, "%s/thaw-attack", tree);
    if (mkdir(path, 0755) != 0) return -1;
    rmdir(path);
    return 0;
}
static long write_in(const char *tree, const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", tree, name);
    return try_open(path, O_WRONLY);
}
static long write_agent_in(const char *tree) { return write_in(tree, "release_agent"); }
static long write_notify_in(const char *tree) { return write_in(tree, "notify_on_release"); }
static long write_devices_in(const char *tree) { return write_in(tree, "devices.allow"); }
static long write_processes_in(const char *tree) { return write_in(tree, "cgroup.procs"); }
static long make_group(void) { return in_cgroups(make_group_in); }
static long write_agent(void) { return in_cgroups(write_agent_in); }
static long write_notify(void) { return in_cgroups(write_notify_in); }
static long write_devices(void) { return in_cgroups(write_devices_in); }
static long write_processes(void) { return in_cgroups(write_processes_in); }

// Sets the modes of device nodes and masks to their current values, so that a successful attempt changes nothing.
static long same_mode(const char *path) {
    struct stat status;
    return stat(path, &status) != 0 ? -1 : chmod(path, status.st_mode & 07777);
}
static long chmod_kcore(void) { return same_mode("/proc/kcore"); }
static long chmod_keys(void) { return same_mode("/proc/keys"); }
static long chmod_timer_list(void) { return same_mode("/proc/timer_list"); }
static long chmod_sys(void) { return same_mode("/sys"); }

const struct attempt file_attempts[] = {
    {"write-core-pattern", core_pattern, {0}},
    {"write-modprobe", modprobe, {0}},
    {"write-hotplug", hotplug, {0}},
    {"write-uevent-helper", uevent_helper, {0}},
    {"write-binfmt-register", binfmt, {0}},
    {"write-sysrq", sysrq, {0}},
    {"write-sysrq-trigger", sysrq_trigger, {0}},
    {"write-panic", panic, {0}},
    {"write-ns-last-pid", last_pid, {0}},
    {"write-randomize", randomize, {0}},
    {"write-shmmax", shared_memory, {0}},
    {"write-hostname", proc_host_name, {0}},
    {"write-drop-caches", drop_caches, {0}},
    {"write-overcommit", overcommit, {0}},
    {"write-protected-symlinks", protected_links, {0}},
    {"write-mqueue-limit", mqueue_limit, {0}},
    {"write-max-user-namespaces", user_namespaces, {0}},
    {"write-ip-forward", forwarding, {0}},
    {"write-irq-affinity", irq, {0}},
    {"write-mtrr", mtrr, {0}},
    {"write-bus", bus, {0}},
    {"write-kcore", kernel_memory, {0}},
    {"write-power-state", power_state, {0}},
    {"write-ksm", ksm, {0}},
    {"write-profiling", profiling, {0}},
    {"write-block-uevent", loop_uevent, {0}},
    {"write-net-ifalias", net_alias, {0}},
    {"write-module-parameter", module_parameter, {0}},
    {"write-pci-rescan", rescan, {0}},
    {"write-cpu-online", cpu_online, {0}},
    {"write-crash-size", crash, {0}},
    {"write-oom-score-lower", score, {0}},
    {"read-kcore", kcore, {0}},
    {"read-keys", keys, {0}},
    {"read-latency-stats", latency, {0}},
    {"read-timer-list", timer_list, {0}},
    {"read-sched-debug", sched_debug, {0}},
    {"read-acpi", acpi, {0}},
    {"read-scsi", scsi, {0}},
    {"read-asound", asound, {0}},
    {"read-interrupts", interrupts, {0}},
    {"read-kmsg", kmsg, {EAGAIN}},
    {"read-kpageflags", page_flags, {0}},
    {"read-kpagecount", page_count, {0}},
    {"read-vmallocinfo", allocations, {0}},
    {"read-slabinfo", slabs, {0}},
    {"read-kallsyms-addresses", addresses, {0}},
    {"read-sys-firmware", firmware, {0}},
    {"read-powercap", powercap, {0}},
    {"read-debugfs", debug_files, {0}},
    {"read-tracefs", trace_files, {0}},
    {"read-securityfs", security_files, {0}},
    {"read-first-environ", first_environment, {0}},
    {"read-efivars", efi, {0}},
    {"cgroup-mkdir", make_group, {0}},
    {"cgroup-release-agent", write_agent, {0}},
    {"cgroup-notify-on-release", write_notify, {0}},
    {"cgroup-devices-allow", write_devices, {0}},
    {"cgroup-procs", write_processes, {0}},
    {"chmod-kcore", chmod_kcore, {0}},
    {"chmod-keys", chmod_keys, {0}},
    {"chmod-timer-list", chmod_timer_list, {0}},
    {"chmod-sys", chmod_sys, {0}},
    {0},
};
