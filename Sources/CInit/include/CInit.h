// The system calls of PID 1, in types that Embedded Swift can import: no system header is included here. Every function
// that can fail returns a negative errno.
#pragma once

// Files.
int cinit_open(const char *path);
/// Opens a terminal or a file for frames; a terminal is set to raw mode.
int cinit_open_channel(const char *path);
long cinit_read(int descriptor, void *buffer, unsigned long capacity);
/// Writes all of `count` bytes; waits if necessary.
int cinit_write(int descriptor, const void *buffer, unsigned long count);
void cinit_close(int descriptor);
/// Maps the doorbell's page and the mailbox, which are not part of the kernel's memory.
int cinit_open_doorbell(unsigned long long page, unsigned long long mailbox, unsigned long length);
/// Sends at most a mailbox of bytes to the host, which has received them when this returns.
void cinit_ring(const void *buffer, unsigned long count);
/// Copies the host's reply to the last ring out of the mailbox; returns its length, at most `capacity`.
unsigned long cinit_reply(void *buffer, unsigned long capacity);
int cinit_write_file(const char *path, const void *buffer, unsigned long count);

/// Opens /dev/null as descriptors 0 to 2 if the kernel had no console for them.
void cinit_fill_standard(void);

// The machine.
/// Returns the argument at `index`, or null; 0 is the program's own name.
const char *cinit_argument(int index);
/// Loads the module in an open file.
int cinit_load_module(int descriptor);
int cinit_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int cinit_make_directory(const char *path, unsigned int mode);
int cinit_link(const char *target, const char *path);
int cinit_make_character_device(const char *path, unsigned int mode, unsigned int major, unsigned int minor);
int cinit_exists(const char *path);
void cinit_remove(const char *path);
/// Makes `path` the root of this process and of its children.
int cinit_enter_root(const char *path);
int cinit_set_hostname(const char *name, unsigned long length);
/// Switches the machine off in a way that every machine supports: by a reset, after which nothing starts.
void cinit_power_off(void) __attribute__((noreturn));
void cinit_exit(int status) __attribute__((noreturn));

// The network, by netlink. Addresses are numbers whose first byte is the most significant one.
/// Returns the index of an interface, or 0.
unsigned int cinit_interface(const char *name);
int cinit_interface_up(unsigned int interface);
int cinit_add_address(unsigned int interface, unsigned int address, unsigned char prefix);
int cinit_add_default_route(unsigned int interface, unsigned int gateway);

/// Mixes bytes into the kernel's random number generator, at once.
int cinit_add_entropy(const void *bytes, unsigned long count);

// Time.
int cinit_set_clock(unsigned long long seconds, unsigned int nanoseconds);
unsigned long long cinit_monotonic(void);
unsigned long long cinit_cycles(void);
void cinit_sleep(unsigned long long nanoseconds);

// Waiting.
struct cinit_watch {
    int descriptor;
    short wanted, ready;
};
enum { cinit_readable = 1, cinit_writable = 4 };
/// Skips watches with a negative descriptor. Ready without being wanted means that the other end is closed.
int cinit_poll(struct cinit_watch *watches, unsigned long count, unsigned long long nanoseconds);

// Processes.
/// Blocks the signals that init handles, and returns a descriptor that reports them.
int cinit_signal_descriptor(void);
/// Returns the next signal, or 0.
int cinit_next_signal(int descriptor);
int cinit_kill(int process, int signal);
/// Returns a process that ended, or 0; `status` is its exit status, or 256 plus the signal.
int cinit_reap(int *status);
/// Returns the largest resident set of any reaped child, in bytes.
unsigned long long cinit_children_peak(void);

struct cinit_command {
    char *const *arguments;
    char *const *environment;
    const char *search_path;
    const char *directory;
    const char *cgroup;
    unsigned int user, group;
    const unsigned int *groups;
    unsigned long group_count;
    /// The limit of open files; 0 for init's own limit.
    unsigned long open_files;
};
enum { cinit_at_directory = 1, cinit_at_identity, cinit_at_execute };
/// Starts a command with two pipes for its output; returns its process ID once its program runs.
int cinit_spawn(const struct cinit_command *command, int *output, int *error, int *stage);

// Sockets that never block.
/// Listens for the host on a port of the machine's vsock.
int cinit_listen_to_host(unsigned int port);
int cinit_accept(int listener);
/// Sends as many bytes as fit; returns their number.
long cinit_send(int descriptor, const void *buffer, unsigned long count);
/// Shuts down the sending direction.
void cinit_end(int descriptor);

// Observation of opened files.
/// Starts to observe the file system that is mounted at a path.
int cinit_observe(const char *path);
/// Copies the path of an opened file or directory, and returns its length: 0 if it has none, or was opened by the
/// caller. Negative if there is no event yet (see cinit_is_pending), or if events were lost. `thread` opened it.
long cinit_next_opened(int observer, void *path, unsigned long capacity, int *thread);

// Samples of the processor time of all processes, by perf_event_open(2).
/// Starts to sample each processor every `period` nanoseconds, once timers are that fine; fails if the kernel can't.
int cinit_start_samples(unsigned long long period);
void cinit_stop_samples(void);
/// Copies the next of a processor's records as the kernel wrote them, and returns the number of bytes: 0 at the end,
/// negative if there is no such processor.
long cinit_take_samples(int processor, void *buffer, unsigned long capacity);

// The probe.
int cinit_signal_is_child(int signal);
int cinit_is_refusal(int error);
int cinit_is_pending(int error);
/// Starts to connect to the loopback address.
int cinit_connect(unsigned short port, int version_6);
/// Returns zero once a pending connection is established.
int cinit_connection_error(int descriptor);
