#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <sched.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_next_call(int listener, struct clinux_call *call) {
    struct seccomp_notif received;
    memset(&received, 0, sizeof received);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received) != 0) return -1;
    call->id = received.id;
    call->process = (int32_t)received.pid;
    call->architecture = received.data.arch;
    call->number = received.data.nr;
    for (int index = 0; index < 6; index++) call->arguments[index] = received.data.args[index];
    return 0;
}

int clinux_check_call(int listener, uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id); }

int clinux_answer_call(int listener, uint64_t id, int error) {
    struct seccomp_notif_resp answer = {.id = id, .error = -error};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int clinux_socket_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr header;
};

int clinux_send_descriptor(int socket, int descriptor) {
    char byte = 0;
    struct iovec vector = {&byte, 1};
    union control control = {{0}};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int clinux_receive_descriptor(int socket) {
    char byte;
    struct iovec vector = {&byte, 1};
    union control control;
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return errno = EBADMSG, -1;
    }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

// Sets the user and group of file access, and restores the effective capabilities that setfsuid(2) cleared.
static int become(uint32_t uid, uint32_t gid) {
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    for (int half = 0; half < 2; half++) data[half].effective = data[half].permitted;
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_make_node(int directory, const char *name, unsigned mode, const struct clinux_node *node) {
    // This process's umask must not apply, so the thread gets its own. A later change of the mode would need the name
    // once more, which the container could have replaced by a link to a file of the host.
    if (unshare(CLONE_FS) != 0) return -1;
    mode_t mask = umask(0);
    int result = become(node->uid, node->gid);
    if (result == 0) result = (int)syscall(SYS_mknodat, directory, name, mode, node->device);
    int error = errno;
    become(geteuid(), getegid());
    umask(mask);
    return errno = error, result;
}
