// Properties of the container that no single call shows.
#include "probe.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

extern char **environ;

static void append(char *text, size_t size, const char *word) {
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length ? ";" : "", word);
}

// Reads a line of /proc/self/status by its name.
static void status_line(const char *name, char *text, size_t size) {
    char line[512];
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':') continue;
        char *value = line + strlen(name) + 1;
        while (isspace((unsigned char)*value)) value++;
        value[strcspn(value, "\n")] = 0;
        snprintf(text, size, "%s", value);
    }
    fclose(file);
}
static void inheritable(char *text, size_t size) { status_line("CapInh", text, size); }
static void permitted(char *text, size_t size) { status_line("CapPrm", text, size); }
static void effective(char *text, size_t size) { status_line("CapEff", text, size); }
static void bounding(char *text, size_t size) { status_line("CapBnd", text, size); }
static void ambient(char *text, size_t size) { status_line("CapAmb", text, size); }
static void new_privileges(char *text, size_t size) { status_line("NoNewPrivs", text, size); }
static void seccomp(char *text, size_t size) { status_line("Seccomp", text, size); }
static void secure(char *text, size_t size) { snprintf(text, size, "%d", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)); }
static void process(char *text, size_t size) { snprintf(text, size, "%d", getpid()); }

// Lists descriptors beyond the three streams, with their targets.
static void descriptors(char *text, size_t size) {
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (number < 3 || number == dirfd(directory)) continue;
        char path[64], target[512] = "?", item[600];
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 1 : length] = 0;
        snprintf(item, sizeof item, "%d=%s", number, target);
        append(text, size, item);
    }
    closedir(directory);
}

// Lists the kinds of the three streams: a file or directory of the host could be opened again through /proc.
static void streams(char *text, size_t size) {
    for (int number = 0; number < 3; number++) {
        struct stat status = {0};
        fstat(number, &status);
        mode_t type = status.st_mode & S_IFMT;
        append(text, size, type == S_IFIFO ? "pipe" : type == S_IFCHR ? "device" : type == S_IFSOCK ? "socket" : "file");
    }
}

// Lists processes other than this one and the container's first.
static void processes(char *text, size_t size) {
    DIR *directory = opendir("/proc");
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (number > 1 && number != getpid()) append(text, size, entry->d_name);
    }
    closedir(directory);
}

// Returns true for a file on a read-only tmpfs: a copy, whose original is elsewhere.
static int is_copy(int file) {
    struct statfs system;
    struct statvfs mount;
    return fstatfs(file, &system) == 0 && system.f_type == 0x01021994 && fstatvfs(file, &mount) == 0 &&
           mount.f_flag & ST_RDONLY;
}

// Classifies the program of the first process: in the container's file system, or another one, writable or readable.
static void first_program(char *text, size_t size) {
    struct stat root, program;
    if (getpid() == 1) return (void)snprintf(text, size, "own");
    int file = open("/proc/1/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) return (void)snprintf(text, size, "closed");
    int written = open("/proc/1/exe", O_WRONLY | O_CLOEXEC) >= 0;
    int seals = fcntl(file, F_GET_SEALS);
    if (stat("/", &root) == 0 && fstat(file, &program) == 0 && program.st_dev == root.st_dev) {
        snprintf(text, size, "own");
    } else if (is_copy(file) && !written) {
        snprintf(text, size, "copy");
    } else {
        snprintf(text, size, seals >= 0 && seals & F_SEAL_WRITE ? "sealed" : written ? "foreign-writable" : "foreign");
    }
}

// Checks that the directory is within the root, and that the way up ends there.
static void directory(char *text, size_t size) {
    char *path = getcwd(NULL, 0);
    struct stat root, top;
    for (int level = 0; level < 64; level++) {
        if (chdir("..") != 0) break;
    }
    int inside = path && path[0] == '/' && stat("/", &root) == 0 && stat(".", &top) == 0 &&
                 root.st_dev == top.st_dev && root.st_ino == top.st_ino;
    snprintf(text, size, "%s", inside ? "inside" : "outside");
    (void)!chdir("/");
}

static void environment(char *text, size_t size) {
    for (char **entry = environ; *entry; entry++) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
        append(text, size, name);
    }
}

static void file_line(const char *path, char *text, size_t size) {
    char line[512];
    FILE *file = fopen(path, "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        append(text, size, line);
    }
    fclose(file);
}
static void users(char *text, size_t size) { file_line("/proc/self/uid_map", text, size); }
static void groups(char *text, size_t size) { file_line("/proc/self/cgroup", text, size); }

// Lists writable mounts with their file systems' types.
static void writable_mounts(char *text, size_t size) {
    char line[4096];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        char root[1024], place[1024], options[512], type[64] = "";
        if (sscanf(line, "%*d %*d %*s %1023s %1023s %511s", root, place, options) != 3) continue;
        char *rest = strstr(line, " - ");
        if (rest) sscanf(rest + 3, "%63s", type);
        char item[2200];
        snprintf(item, sizeof item, "%s:%s:%.2s", place, type, options);
        if (strncmp(options, "rw", 2) == 0) append(text, size, item);
    }
    fclose(file);
}

// Reads the inode number of a namespace; the harness compares it with the host's.
static void namespace_of(const char *name, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    ssize_t length = readlink(path, text, size - 1);
    text[length < 0 ? 0 : length] = 0;
}
static void network_namespace(char *text, size_t size) { namespace_of("net", text, size); }
static void process_namespace(char *text, size_t size) { namespace_of("pid", text, size); }
static void mount_namespace(char *text, size_t size) { namespace_of("mnt", text, size); }
static void ipc_namespace(char *text, size_t size) { namespace_of("ipc", text, size); }
static void name_namespace(char *text, size_t size) { namespace_of("uts", text, size); }
static void user_namespace(char *text, size_t size) { namespace_of("user", text, size); }
static void group_namespace(char *text, size_t size) { namespace_of("cgroup", text, size); }

static void devices(char *text, size_t size) {
    DIR *directory = opendir("/dev");
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat status;
        if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) append(text, size, entry->d_name);
    }
    closedir(directory);
}

const struct fact facts[] = {
    {"open-descriptors", descriptors},
    {"stream-kinds", streams},
    {"working-directory", directory},
    {"process-number", process},
    {"other-processes", processes},
    {"first-program", first_program},
    {"environment", environment},
    {"cap-inheritable", inheritable},
    {"cap-permitted", permitted},
    {"cap-effective", effective},
    {"cap-bounding", bounding},
    {"cap-ambient", ambient},
    {"no-new-privileges", new_privileges},
    {"seccomp-mode", seccomp},
    {"securebits-set", secure},
    {"user-map", users},
    {"cgroup-view", groups},
    {"writable-mounts", writable_mounts},
    {"namespace-cgroup", group_namespace},
    {"namespace-ipc", ipc_namespace},
    {"namespace-mount", mount_namespace},
    {"namespace-net", network_namespace},
    {"namespace-pid", process_namespace},
    {"namespace-user", user_namespace},
    {"namespace-uts", name_namespace},
    {"device-nodes", devices},
    {0},
};
