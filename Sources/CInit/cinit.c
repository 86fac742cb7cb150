#define _GNU_SOURCE
#include "CInit.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <asm/perf_regs.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int result(long value) { return value < 0 ? -errno : (int)value; }

// The kernel may delay a program's timers by this time in nanoseconds; init's own slack is inherited.
enum { default_timer_slack = 50 * 1000 };

static int argument_count;
static char **arguments;

// glibc passes main's arguments to constructors too; Embedded Swift has no other access to them.
__attribute__((constructor)) static void keep_arguments(int count, char **list) {
    argument_count = count;
    arguments = list;
}

const char *cinit_argument(int index) { return index < argument_count ? arguments[index] : NULL; }

// O_NONBLOCK, because an image may have a FIFO in place of a file, and init must not wait for it.
int cinit_open(const char *path) { return result(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)); }

int cinit_open_channel(const char *path) {
    int descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (descriptor >= 0 && tcgetattr(descriptor, &settings) == 0) {
        cfmakeraw(&settings);
        tcsetattr(descriptor, TCSANOW, &settings);
    }
    return result(descriptor);
}

void cinit_fill_standard(void) {
    int descriptor;
    do descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2);
    if (descriptor > 2) close(descriptor);
}

static volatile unsigned int *doorbell;
static unsigned char *mailbox;
static unsigned long mailbox_length;

int cinit_open_doorbell(unsigned long long page, unsigned long long box, unsigned long length) {
    int memory = open("/dev/mem", O_RDWR | O_CLOEXEC);
    if (memory < 0) return -errno;
    void *bell = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)page);
    void *bytes = bell == MAP_FAILED ? bell : mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)box);
    int error = errno;
    close(memory);
    if (bytes == MAP_FAILED) return -error;
    doorbell = bell;
    mailbox = bytes;
    mailbox_length = length;
    return 0;
}

void cinit_ring(const void *buffer, unsigned long count) {
    if (!doorbell) return;
    if (count > mailbox_length) count = mailbox_length;
    memcpy(mailbox, buffer, count);
    __asm__ volatile("" ::: "memory");
    *doorbell = (unsigned int)count;
    __asm__ volatile("" ::: "memory");
}

unsigned long cinit_reply(void *buffer, unsigned long capacity) {
    if (!mailbox) return 0;
    unsigned int length;
    memcpy(&length, mailbox, sizeof length);
    if (length > mailbox_length - sizeof length) length = 0;
    if (length > capacity) length = (unsigned int)capacity;
    memcpy(buffer, mailbox + sizeof length, length);
    return length;
}

long cinit_read(int descriptor, void *buffer, unsigned long capacity) {
    long count;
    do count = read(descriptor, buffer, capacity);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int cinit_write(int descriptor, const void *buffer, unsigned long count) {
    const char *next = buffer;
    while (count > 0) {
        long written = write(descriptor, next, count);
        if (written > 0) {
            next += written;
            count -= (unsigned long)written;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {descriptor, POLLOUT, 0};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

void cinit_close(int descriptor) { close(descriptor); }

int cinit_write_file(const char *path, const void *buffer, unsigned long count) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return -errno;
    int error = cinit_write(descriptor, buffer, count);
    close(descriptor);
    return error;
}

int cinit_load_module(int descriptor) {
    int error = result(syscall(SYS_finit_module, descriptor, "", 0));
    return error == -EEXIST ? 0 : error;
}

int cinit_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return result(mount(source, target, type, flags, data));
}

int cinit_make_directory(const char *path, unsigned int mode) {
    int error = result(mkdir(path, mode));
    return error == -EEXIST ? 0 : error;
}

int cinit_link(const char *target, const char *path) { return result(symlink(target, path)); }

int cinit_make_character_device(const char *path, unsigned int mode, unsigned int major, unsigned int minor) {
    if (mknod(path, S_IFCHR | mode, makedev(major, minor)) < 0) return -errno;
    return result(chmod(path, mode));
}

int cinit_exists(const char *path) { return access(path, F_OK) == 0; }

void cinit_remove(const char *path) { unlink(path); }

int cinit_enter_root(const char *path) {
    if (chdir(path) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0) return -errno;
    return result(chdir("/"));
}

int cinit_set_hostname(const char *name, unsigned long length) { return result(sethostname(name, length)); }

unsigned int cinit_interface(const char *name) { return if_nametoindex(name); }

// One request to rtnetlink: its header, the kernel's own structure, and attributes behind it.
struct request {
    struct nlmsghdr header;
    unsigned char body[128];
};

static struct request request(int type, int flags, const void *body, unsigned long size) {
    struct request made = {.header.nlmsg_len = NLMSG_LENGTH(size), .header.nlmsg_type = (unsigned short)type};
    made.header.nlmsg_flags = (unsigned short)(flags | NLM_F_REQUEST | NLM_F_ACK);
    memcpy(made.body, body, size);
    return made;
}

static void add_attribute(struct request *request, unsigned short type, unsigned int value) {
    struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = RTA_LENGTH(sizeof value);
    memcpy(RTA_DATA(attribute), &value, sizeof value);
    request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + attribute->rta_len;
}

// Sends one request, and returns the kernel's error.
static int ask(const struct request *request) {
    struct { struct nlmsghdr header; struct nlmsgerr error; unsigned char rest[256]; } answer;
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0) return -errno;
    int error = result(send(netlink, request, request->header.nlmsg_len, 0));
    if (error >= 0) error = result(recv(netlink, &answer, sizeof answer, 0));
    if (error >= 0) error = answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
    close(netlink);
    return error;
}

int cinit_interface_up(unsigned int interface) {
    struct ifinfomsg link = {.ifi_index = (int)interface, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct request up = request(RTM_NEWLINK, 0, &link, sizeof link);
    return ask(&up);
}

int cinit_add_address(unsigned int interface, unsigned int address, unsigned char prefix) {
    struct ifaddrmsg message = {.ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = interface};
    struct request add = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &message, sizeof message);
    add_attribute(&add, IFA_LOCAL, htonl(address));
    add_attribute(&add, IFA_ADDRESS, htonl(address));
    return ask(&add);
}

int cinit_add_default_route(unsigned int interface, unsigned int gateway) {
    struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
                          .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
    struct request add = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof route);
    add_attribute(&add, RTA_GATEWAY, htonl(gateway));
    add_attribute(&add, RTA_OIF, interface);
    return ask(&add);
}

int cinit_add_entropy(const void *bytes, unsigned long count) {
    // Two numbers, the bits and the bytes, and then the bytes themselves (struct rand_pool_info).
    int pool[2 + 64] = {(int)count * 8, (int)count};
    if (count > sizeof pool - 2 * sizeof *pool) return -EINVAL;
    memcpy(pool + 2, bytes, count);
    int random = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    if (random < 0) return -errno;
    int error = ioctl(random, RNDADDENTROPY, pool) == 0 && ioctl(random, RNDRESEEDCRNG) == 0 ? 0 : -errno;
    close(random);
    return error;
}

int cinit_set_clock(unsigned long long seconds, unsigned int nanoseconds) {
    struct timespec now = {.tv_sec = (time_t)seconds, .tv_nsec = nanoseconds};
    return result(clock_settime(CLOCK_REALTIME, &now));
}

void cinit_power_off(void) {
    // A machine without a power switch treats a power-off as a halt, and would stop forever.
    sync();
    reboot(RB_AUTOBOOT);
    for (;;) pause();
}

void cinit_exit(int status) { _exit(status); }

unsigned long long cinit_monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

unsigned long long cinit_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

static struct timespec duration(unsigned long long nanoseconds) {
    return (struct timespec){(time_t)(nanoseconds / 1000000000ull), (long)(nanoseconds % 1000000000ull)};
}

void cinit_sleep(unsigned long long nanoseconds) {
    struct timespec time = duration(nanoseconds);
    nanosleep(&time, NULL);
}

int cinit_poll(struct cinit_watch *watches, unsigned long count, unsigned long long nanoseconds) {
    _Static_assert(sizeof(struct cinit_watch) == sizeof(struct pollfd), "a watch is a pollfd");
    _Static_assert(cinit_readable == POLLIN && cinit_writable == POLLOUT, "a watch is a pollfd");
    struct timespec time = duration(nanoseconds);
    int ready = result(ppoll((struct pollfd *)watches, count, &time, NULL));
    return ready == -EINTR ? 0 : ready;
}

static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

int cinit_signal_descriptor(void) {
    sigset_t set;
    sigemptyset(&set);
    for (unsigned long i = 0; i < sizeof handled / sizeof *handled; i++) sigaddset(&set, handled[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    return result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int cinit_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

int cinit_kill(int process, int signal) { return result(kill(process, signal)); }

int cinit_reap(int *status) {
    int raw, process = waitpid(-1, &raw, WNOHANG);
    if (process <= 0) return 0;
    *status = WIFSIGNALED(raw) ? 256 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return process;
}

unsigned long long cinit_children_peak(void) {
    struct rusage usage;
    return getrusage(RUSAGE_CHILDREN, &usage) == 0 ? (unsigned long long)usage.ru_maxrss * 1024 : 0;
}

// Between fork and exec: only system calls, existing memory, and _exit.

static const unsigned char kept_capabilities[] = {
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD, CAP_NET_RAW, CAP_SETGID, CAP_SETUID,
    CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE,
};

static int limit_capabilities(void) {
    unsigned long long kept = 0;
    for (unsigned long i = 0; i < sizeof kept_capabilities; i++) kept |= 1ull << kept_capabilities[i];
    for (unsigned long capability = 0; capability < 64; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_READ, capability) == 1
            && prctl(PR_CAPBSET_DROP, capability) < 0)
            return -errno;
    return 0;
}

// As in Docker: many open files, and no limit of processes.
static void raise_limits(const struct cinit_command *command) {
    struct rlimit files = {command->open_files, command->open_files}, processes = {RLIM_INFINITY, RLIM_INFINITY};
    if (command->open_files == 0) return;
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_NPROC, &processes);
}

// A user namespace with one user allows no change of groups.
static int groups_are_fixed(void) {
    char word[4] = {0};
    int file = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, word, sizeof word);
    close(file);
    return count == sizeof word && memcmp(word, "deny", sizeof word) == 0;
}

static int become(const struct cinit_command *command) {
    int error = limit_capabilities();
    if (error) return error;
    if (syscall(SYS_setgroups, command->group_count, command->groups) < 0) {
        error = errno;
        if (error != EPERM || !groups_are_fixed()) return -error;
    }
    if (syscall(SYS_setresgid, command->group, command->group, command->group) < 0) return -errno;
    if (syscall(SYS_setresuid, command->user, command->user, command->user) < 0) return -errno;
    return 0;
}

static int execute(const struct cinit_command *command) {
    const char *name = command->arguments[0], *search = command->search_path;
    int error = -ENOENT;
    if (strchr(name, '/') || !*name) {
        execve(name, command->arguments, command->environment);
        return -errno;
    }
    while (*search) {
        unsigned long length = strcspn(search, ":"), name_length = strlen(name);
        char path[4096];
        if (length > 0 && length + name_length + 2 <= sizeof path) {
            memcpy(path, search, length);
            path[length] = '/';
            memcpy(path + length + 1, name, name_length + 1);
            execve(path, command->arguments, command->environment);
            if (errno != ENOENT && errno != ENOTDIR) error = -errno;
        }
        search += length + (search[length] == ':');
    }
    return error;
}

static void default_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_TIMERSLACK, default_timer_slack);
    for (int signal = 1; signal < 32; signal++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
    }
}

static void run_child(const struct cinit_command *command, int output, int error, int report) {
    int failure[2] = {0, 0}, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setsid();
    default_signals();
    if (command->cgroup) {
        int group = open(command->cgroup, O_WRONLY | O_CLOEXEC);
        if (group >= 0) (void)!write(group, "0", 1);
    }
    if (null >= 0) dup2(null, 0);
    dup2(output, 1);
    dup2(error, 2);
    failure[0] = cinit_at_directory;
    failure[1] = result(chdir(command->directory));
    if (failure[1] == 0) {
        failure[0] = cinit_at_identity;
        raise_limits(command);
        failure[1] = become(command);
    }
    if (failure[1] == 0) {
        failure[0] = cinit_at_execute;
        failure[1] = execute(command);
    }
    (void)!write(report, failure, sizeof failure);
    _exit(127);
}

int cinit_spawn(const struct cinit_command *command, int *output, int *error, int *stage) {
    int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, failure[2] = {0, 0};
    *stage = cinit_at_execute;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0) return -errno;
    int process = fork();
    if (process == 0) run_child(command, out[1], err[1], report[1]);
    int fork_error = errno;
    close(out[1]);
    close(err[1]);
    close(report[1]);
    long count = process < 0 ? 0 : cinit_read(report[0], failure, sizeof failure);
    close(report[0]);
    if (process < 0 || count > 0) {
        close(out[0]);
        close(err[0]);
        *stage = failure[0];
        return process < 0 ? -fork_error : failure[1];
    }
    *output = out[0];
    *error = err[0];
    return process;
}

int cinit_listen_to_host(unsigned int port) {
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_ANY};
    int descriptor = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 && listen(descriptor, 64) == 0)
        return descriptor;
    int error = -errno;
    close(descriptor);
    return error;
}

int cinit_accept(int listener) { return result(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

long cinit_send(int descriptor, const void *buffer, unsigned long count) {
    long sent;
    do sent = send(descriptor, buffer, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

void cinit_end(int descriptor) { shutdown(descriptor, SHUT_WR); }

int cinit_observe(const char *path) {
    int observer = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_TID | FAN_CLOEXEC | FAN_NONBLOCK,
                                 O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK);
    if (observer < 0) return -errno;
    if (fanotify_mark(observer, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_ONDIR, AT_FDCWD, path) == 0)
        return observer;
    int error = -errno;
    close(observer);
    return error;
}

// Returns the path of a descriptor, and closes it; 0 if the file has no name any more.
static long path_of(int descriptor, char *path, unsigned long capacity) {
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    long length = readlink(name, path, capacity);
    int is_too_long = length < 0 ? errno == ENAMETOOLONG : (unsigned long)length == capacity;
    close(descriptor);
    if (is_too_long) return -ENAMETOOLONG;
    return length > 0 && path[0] == '/' ? length : 0;
}

long cinit_next_opened(int observer, void *path, unsigned long capacity, int *thread) {
    struct fanotify_event_metadata event;
    long count = cinit_read(observer, &event, sizeof event);
    if (count == -EAGAIN) return count;
    if (count != sizeof event || event.fd < 0) return -EOVERFLOW;
    long length = path_of(event.fd, path, capacity);
    *thread = event.pid;
    return event.pid == getpid() ? 0 : length;
}

enum { sampled_processors = 8, sample_ring = 8 << 20, page_size = 4096 };
static struct {
    int event;
    struct perf_event_mmap_page *page;
} samplers[sampled_processors];
static int sampler_count;

// Each sample has the program counter, and that of user mode if the kernel runs. The other records are those of new
// processes, their names, and the executable files that they map. All have a time of CLOCK_MONOTONIC.
static struct perf_event_attr sample_attributes(unsigned long long period) {
    return (struct perf_event_attr){
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(struct perf_event_attr),
        .config = PERF_COUNT_SW_CPU_CLOCK,
        .sample_period = period,
        .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER,
        .sample_regs_user = 1ULL << PERF_REG_X86_IP,
        .exclude_idle = 1,
        .mmap = 1,
        .mmap2 = 1,
        .comm = 1,
        .comm_exec = 1,
        .task = 1,
        .sample_id_all = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
}

// Without a verified clock, a kernel's timers have the resolution of its tick until about a second after its start.
static void await_fine_timers(void) {
    unsigned long long step = 200 * 1000, fine = 1000 * 1000, limit = 3ULL * 1000 * 1000 * 1000;
    unsigned long long begin = cinit_monotonic(), before = begin;
    while (before - begin < limit) {
        cinit_sleep(step);
        unsigned long long now = cinit_monotonic();
        if (now - before < fine) return;
        before = now;
    }
}

static int start_sampler(int processor, struct perf_event_attr *attributes) {
    int event = syscall(SYS_perf_event_open, attributes, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
    if (event < 0) return -errno;
    void *page = mmap(NULL, page_size + sample_ring, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
    if (page == MAP_FAILED) {
        int error = -errno;
        close(event);
        return error;
    }
    samplers[processor].event = event;
    samplers[processor].page = page;
    return 0;
}

int cinit_start_samples(unsigned long long period) {
    struct perf_event_attr attributes = sample_attributes(period);
    int error = 0;
    // Else the kernel wakes init together with the timer of the samples, and programs get the time that init then takes.
    prctl(PR_SET_TIMERSLACK, 1);
    await_fine_timers();
    while (sampler_count < sampled_processors && (error = start_sampler(sampler_count, &attributes)) == 0)
        sampler_count++;
    return sampler_count > 0 ? 0 : error;
}

void cinit_stop_samples(void) {
    for (int i = 0; i < sampler_count; i++) ioctl(samplers[i].event, PERF_EVENT_IOC_DISABLE, 0);
}

long cinit_take_samples(int processor, void *buffer, unsigned long capacity) {
    if (processor >= sampler_count) return -ENODEV;
    struct perf_event_mmap_page *page = samplers[processor].page;
    const char *ring = (const char *)page + page_size;
    unsigned long long head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail;
    unsigned long count = head - tail < capacity ? head - tail : capacity;
    unsigned long start = tail % sample_ring, first = count < sample_ring - start ? count : sample_ring - start;
    memcpy(buffer, ring + start, first);
    memcpy((char *)buffer + first, ring, count - first);
    __atomic_store_n(&page->data_tail, tail + count, __ATOMIC_RELEASE);
    return count;
}

int cinit_signal_is_child(int signal) { return signal == SIGCHLD; }

int cinit_is_refusal(int error) { return error == -ECONNREFUSED; }

int cinit_is_pending(int error) { return error == -EINPROGRESS || error == -EAGAIN; }

int cinit_connect(unsigned short port, int version_6) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int descriptor = socket(version_6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    int error = version_6 ? connect(descriptor, (struct sockaddr *)&v6, sizeof v6)
                          : connect(descriptor, (struct sockaddr *)&v4, sizeof v4);
    if (error == 0 || errno == EINPROGRESS) return descriptor;
    error = -errno;
    close(descriptor);
    return error;
}

int cinit_connection_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}
