// Devices: those of the container, those that it makes, and attacks on terminals.
#include "probe.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>

static long make(const char *path, mode_t type, int major, int minor) {
    unlink(path);
    return mknod(path, type | 0666, makedev(major, minor));
}
static long make_and_open(const char *path, mode_t type, int major, int minor) {
    return make(path, type, major, minor) != 0 ? -1 : try_open(path, O_RDONLY);
}
static long make_character(void) { return make("/out/null", S_IFCHR, 1, 3); }
static long make_block(void) { return make("/out/loop", S_IFBLK, 7, 0); }
static long use_memory(void) { return make_and_open("/out/mem", S_IFCHR, 1, 1); }
static long use_kmsg(void) { return make_and_open("/out/kmsg", S_IFCHR, 1, 11); }
static long use_port(void) { return make_and_open("/out/port", S_IFCHR, 1, 4); }
static long use_kvm(void) { return make_and_open("/out/kvm", S_IFCHR, 10, 232); }
static long use_fuse(void) { return make_and_open("/out/fuse", S_IFCHR, 10, 229); }
static long use_tun(void) { return make_and_open("/out/tun", S_IFCHR, 10, 200); }
static long use_loop(void) { return make_and_open("/out/loop0", S_IFBLK, 7, 0); }
static long use_loop_control(void) { return make_and_open("/out/loop-control", S_IFCHR, 10, 237); }
static long use_disk(void) { return make_and_open("/out/vda", S_IFBLK, 254, 0); }
static long use_scsi(void) { return make_and_open("/out/sda", S_IFBLK, 8, 0); }
static long use_dev_kmsg(void) { return make_and_open("/dev/attack-kmsg", S_IFCHR, 1, 11); }
static long use_shm_kmsg(void) { return make_and_open("/dev/shm/attack-kmsg", S_IFCHR, 1, 11); }
static long use_console(void) { return make_and_open("/out/console", S_IFCHR, 5, 1); }
static long use_host_terminal(void) { return make_and_open("/out/tty0", S_IFCHR, 4, 0); }

#define OPEN(function, path) \
    static long function(void) { return try_open(path, O_RDWR); }
OPEN(open_mem, "/dev/mem")
OPEN(open_kmem, "/dev/kmem")
OPEN(open_port, "/dev/port")
OPEN(open_kmsg, "/dev/kmsg")
OPEN(open_kvm, "/dev/kvm")
OPEN(open_fuse, "/dev/fuse")
OPEN(open_tun, "/dev/net/tun")
OPEN(open_loop, "/dev/loop0")
OPEN(open_loop_control, "/dev/loop-control")
OPEN(open_disk, "/dev/vda")
OPEN(open_vhost, "/dev/vhost-net")
OPEN(open_vsock, "/dev/vsock")
OPEN(open_uffd, "/dev/userfaultfd")
OPEN(open_msr, "/dev/cpu/0/msr")
OPEN(open_mapper, "/dev/mapper/control")
OPEN(open_uinput, "/dev/uinput")
OPEN(open_console, "/dev/console")

static long push(void) {
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    return ioctl(terminal < 0 ? 0 : terminal, TIOCSTI, "x");
}
static long paste(void) {
    char command = 3;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    return ioctl(terminal < 0 ? 0 : terminal, TIOCLINUX, &command);
}
static long steal(void) { return ioctl(0, TIOCSCTTY, 1); }
static long take_console(void) { return ioctl(open("/dev/tty", O_RDWR | O_CLOEXEC), TIOCCONS); }

const struct attempt device_attempts[] = {
    {"mknod-character", make_character, {0}},
    {"mknod-block", make_block, {0}},
    {"mknod-open-mem", use_memory, {0}},
    {"mknod-open-kmsg", use_kmsg, {0}},
    {"mknod-open-port", use_port, {0}},
    {"mknod-open-kvm", use_kvm, {0}},
    {"mknod-open-fuse", use_fuse, {0}},
    {"mknod-open-tun", use_tun, {0}},
    {"mknod-open-loop", use_loop, {0}},
    {"mknod-open-loop-control", use_loop_control, {0}},
    {"mknod-open-virtio-disk", use_disk, {ENXIO}},
    {"mknod-open-scsi-disk", use_scsi, {ENXIO}},
    {"mknod-open-in-dev", use_dev_kmsg, {0}},
    {"mknod-open-in-shm", use_shm_kmsg, {0}},
    {"mknod-open-console", use_console, {ENODEV}},
    {"mknod-open-tty0", use_host_terminal, {ENODEV, ENXIO}},
    {"dev-mem", open_mem, {0}},
    {"dev-kmem", open_kmem, {0}},
    {"dev-port", open_port, {0}},
    {"dev-kmsg", open_kmsg, {0}},
    {"dev-kvm", open_kvm, {0}},
    {"dev-fuse", open_fuse, {0}},
    {"dev-net-tun", open_tun, {0}},
    {"dev-loop0", open_loop, {0}},
    {"dev-loop-control", open_loop_control, {0}},
    {"dev-vda", open_disk, {0}},
    {"dev-vhost-net", open_vhost, {0}},
    {"dev-vsock", open_vsock, {0}},
    {"dev-userfaultfd", open_uffd, {0}},
    {"dev-msr", open_msr, {0}},
    {"dev-mapper", open_mapper, {0}},
    {"dev-uinput", open_uinput, {0}},
    {"dev-console", open_console, {0}},
    {"tiocsti", push, {0}},
    {"tioclinux", paste, {0}},
    {"tiocsctty", steal, {0}},
    {"tioccons", take_console, {0}},
    {0},
};
