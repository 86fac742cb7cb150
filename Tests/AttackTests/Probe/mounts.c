// Mounts: new ones, changes of mounts that hide files, and the newer calls that do the same in several steps.
#include "probe.h"

#include <sys/mount.h>

static long on_place(const char *source, const char *type, unsigned long flags, const char *data) {
    mkdir("/out/place", 0755);
    return mount(source, "/out/place", type, flags, data);
}

static long mount_proc(void) { return on_place("proc", "proc", 0, NULL); }
static long mount_sysfs(void) { return on_place("sysfs", "sysfs", 0, NULL); }
static long mount_tmpfs(void) { return on_place("tmpfs", "tmpfs", 0, NULL); }
static long mount_devpts(void) { return on_place("devpts", "devpts", 0, "newinstance"); }
static long mount_mqueue(void) { return on_place("mqueue", "mqueue", 0, NULL); }
static long mount_devtmpfs(void) { return on_place("devtmpfs", "devtmpfs", 0, NULL); }
static long mount_debugfs(void) { return on_place("debugfs", "debugfs", 0, NULL); }
static long mount_tracefs(void) { return on_place("tracefs", "tracefs", 0, NULL); }
static long mount_securityfs(void) { return on_place("securityfs", "securityfs", 0, NULL); }
static long mount_binfmt(void) { return on_place("binfmt_misc", "binfmt_misc", 0, NULL); }
static long mount_bpffs(void) { return on_place("bpf", "bpf", 0, NULL); }
static long mount_cgroup(void) { return on_place("cgroup", "cgroup", 0, "memory"); }
static long mount_cgroup2(void) { return on_place("cgroup2", "cgroup2", 0, NULL); }
static long mount_ramfs(void) { return on_place("ramfs", "ramfs", 0, NULL); }
static long mount_bind(void) { return on_place("/proc", NULL, MS_BIND | MS_REC, NULL); }
static long mount_fuse(void) { return on_place("fuse", "fuse", 0, "fd=0,rootmode=40000,user_id=0,group_id=0"); }
static long mount_move(void) { return mount("/dev/shm", "/out", NULL, MS_MOVE, NULL); }
static long mount_shared(void) { return mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL); }

static long mount_overlay(void) {
    mkdir("/out/upper", 0755);
    mkdir("/out/work", 0755);
    return on_place("overlay", "overlay", 0, "lowerdir=/proc,upperdir=/out/upper,workdir=/out/work");
}

static long remount(const char *path) { return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL); }
static long remount_root(void) { return remount("/"); }
static long remount_sys(void) { return remount("/sys"); }
static long remount_proc_sys(void) { return remount("/proc/sys"); }
static long remount_sysrq(void) { return remount("/proc/sysrq-trigger"); }
static long remount_kcore(void) { return remount("/proc/kcore"); }
static long remount_shm_exec(void) { return remount("/dev/shm"); }

static long umount_kcore(void) { return umount2("/proc/kcore", MNT_DETACH); }
static long umount_proc_sys(void) { return umount2("/proc/sys", MNT_DETACH); }
static long umount_firmware(void) { return umount2("/sys/firmware", MNT_DETACH); }
static long umount_sys(void) { return umount2("/sys", MNT_DETACH); }
static long umount_dev(void) { return umount2("/dev", MNT_DETACH); }
static long umount_root(void) { return umount2("/", MNT_DETACH); }

static long open_tree_clone(void) { return syscall(SYS_open_tree, AT_FDCWD, "/proc", 1 /* OPEN_TREE_CLONE */); }
static long open_tree_attr(void) { return syscall(SYS_open_tree_attr, AT_FDCWD, "/proc", 1, NULL, 0); }
static long attach_tree(void) { return syscall(SYS_move_mount, AT_FDCWD, "/dev/shm", AT_FDCWD, "/out", 0); }
static long fs_open(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static long fs_open_ext4(void) { return syscall(SYS_fsopen, "ext4", 0); }
static long fs_pick(void) { return syscall(SYS_fspick, AT_FDCWD, "/sys", 0); }
static long fs_mount(void) { return syscall(SYS_fsmount, -1, 0, 0); }

static long set_attributes(void) {
    struct {
        unsigned long long set, clear, propagation, user_namespace;
    } attributes = {.clear = 1 /* MOUNT_ATTR_RDONLY */};
    return syscall(442 /* mount_setattr */, AT_FDCWD, "/proc/sys", 0, &attributes, sizeof attributes);
}

static long pivot(void) {
    mkdir("/out/old", 0755);
    return syscall(SYS_pivot_root, "/out", "/out/old");
}

// The classic way out of a chroot: keep a directory above the new root.
static long escape_chroot(void) {
    struct stat before, after;
    mkdir("/out/jail", 0755);
    if (stat("/", &before) != 0 || chroot("/out/jail") != 0) return -1;
    for (int level = 0; level < 64; level++) {
        if (chdir("..") != 0) return -1;
    }
    if (stat(".", &after) != 0) return -1;
    if (before.st_dev == after.st_dev && before.st_ino == after.st_ino) return errno = ENOTDIR, -1;
    return 0;
}

static long statmount(void) { return syscall(SYS_statmount, NULL, NULL, 0, 0); }
static long listmount(void) { return syscall(SYS_listmount, NULL, NULL, 0, 0); }

const struct attempt mount_attempts[] = {
    {"mount-proc", mount_proc, {0}},
    {"mount-sysfs", mount_sysfs, {0}},
    {"mount-tmpfs", mount_tmpfs, {0}},
    {"mount-devpts", mount_devpts, {0}},
    {"mount-mqueue", mount_mqueue, {0}},
    {"mount-devtmpfs", mount_devtmpfs, {0}},
    {"mount-debugfs", mount_debugfs, {0}},
    {"mount-tracefs", mount_tracefs, {0}},
    {"mount-securityfs", mount_securityfs, {ENODEV}},
    {"mount-binfmt", mount_binfmt, {ENODEV}},
    {"mount-bpffs", mount_bpffs, {0}},
    {"mount-cgroup", mount_cgroup, {EBUSY, EINVAL}},
    {"mount-cgroup2", mount_cgroup2, {EBUSY}},
    {"mount-ramfs", mount_ramfs, {0}},
    {"mount-bind", mount_bind, {0}},
    {"mount-fuse", mount_fuse, {EINVAL}},
    {"mount-overlay", mount_overlay, {EINVAL, ELOOP}},
    {"mount-move", mount_move, {EINVAL}},
    {"mount-shared", mount_shared, {0}},
    {"remount-root", remount_root, {0}},
    {"remount-sys", remount_sys, {EINVAL}},
    {"remount-proc-sys", remount_proc_sys, {EINVAL}},
    {"remount-sysrq", remount_sysrq, {EINVAL}},
    {"remount-kcore", remount_kcore, {EINVAL}},
    {"remount-shm", remount_shm_exec, {EINVAL}},
    {"umount-kcore", umount_kcore, {EINVAL}},
    {"umount-proc-sys", umount_proc_sys, {EINVAL}},
    {"umount-firmware", umount_firmware, {EINVAL}},
    {"umount-sys", umount_sys, {EINVAL}},
    {"umount-dev", umount_dev, {EINVAL}},
    {"umount-root", umount_root, {EINVAL}},
    {"open-tree-clone", open_tree_clone, {0}},
    {"open-tree-attr", open_tree_attr, {EINVAL}},
    {"move-mount", attach_tree, {EINVAL}},
    {"fsopen-tmpfs", fs_open, {0}},
    {"fsopen-ext4", fs_open_ext4, {ENODEV}},
    {"fspick", fs_pick, {EINVAL}},
    {"fsmount", fs_mount, {EBADF}},
    {"mount-setattr", set_attributes, {EINVAL}},
    {"pivot-root", pivot, {EINVAL, EBUSY}},
    {"chroot-escape", escape_chroot, {0}},
    {"statmount", statmount, {EFAULT}},
    {"listmount", listmount, {EFAULT, EINVAL}},
    {0},
};
