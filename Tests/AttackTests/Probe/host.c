// Objects of the host: `probe serve KEY` holds them outside, the attempts try to reach them from inside.
#include "probe.h"

#include <arpa/inet.h>
#include <mqueue.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

int key_number(const char *key) {
    unsigned value = 5381;
    for (; *key; key++) value = value * 33 + (unsigned char)*key;
    return (int)(value & 0x7fffffff) | 1;
}

static socklen_t abstract_address(struct sockaddr_un *address, const char *key) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "thaw-attack-%s", key);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}
static void queue_name(char *name, size_t size, const char *key) { snprintf(name, size, "/thaw-attack-%s", key); }

static int listen_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0) return -1;
    return getsockname(listener, (struct sockaddr *)&address, &size) != 0 ? -1 : ntohs(address.sin_port);
}

static int listen_abstract(const char *key) {
    struct sockaddr_un address;
    socklen_t size = abstract_address(&address, key);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (struct sockaddr *)&address, size) != 0 ? -1 : listen(listener, 64);
}

int serve(const char *key) {
    char name[128];
    queue_name(name, sizeof name, key);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    umask(0);
    int number = key_number(key), port = listen_loopback();
    int memory = shmget(number, 4096, IPC_CREAT | 0666), queue = msgget(number, IPC_CREAT | 0666);
    int semaphores = semget(number, 1, IPC_CREAT | 0666);
    int posix = mq_open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0666, NULL) < 0 ? -1 : 0;
    int usable = port > 0 && listen_abstract(key) == 0 && memory >= 0 && queue >= 0 && semaphores >= 0 && posix == 0;
    if (usable) printf("%d\n", port), fflush(stdout), sigwaitinfo(&ends, NULL);
    shmctl(memory, IPC_RMID, NULL);
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    mq_unlink(name);
    return usable ? 0 : 71;
}

static long shared_memory(void) { return shmget(key_number(host_key), 0, 0); }
static long message_queue(void) { return msgget(key_number(host_key), 0); }
static long semaphore(void) { return semget(key_number(host_key), 0, 0); }
static long posix_queue(void) {
    char name[128];
    queue_name(name, sizeof name, host_key);
    return mq_open(name, O_RDONLY) < 0 ? -1 : 0;
}
static long abstract_socket(void) {
    struct sockaddr_un address;
    socklen_t size = abstract_address(&address, host_key);
    return connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address, size);
}
static long loopback(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)host_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address, sizeof address);
}
// The kernel returns 0 if the parent is outside of the PID namespace.
static long signal_parent(void) {
    pid_t outer = getsid(0) == getpid() ? getppid() : 0;
    return outer == 0 ? (errno = ESRCH, -1) : kill(outer, 0);
}

const struct attempt host_attempts[] = {
    {"host-shared-memory", shared_memory, {0}},
    {"host-message-queue", message_queue, {0}},
    {"host-semaphore", semaphore, {0}},
    {"host-posix-queue", posix_queue, {0}},
    {"host-abstract-socket", abstract_socket, {0}},
    {"host-loopback", loopback, {0}},
    {"host-parent-signal", signal_parent, {0}},
    {0},
};
