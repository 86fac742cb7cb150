// Runs every attempt in a process of its own, so that no attempt affects the next one.
#include "probe.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

const char *host_key = "";
int host_port;

long try_open(const char *path, int flags) {
    int descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return descriptor < 0 ? -1 : close(descriptor);
}

static long try_entries(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return -1;
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count > 2 ? 0 : (errno = ENODATA, -1);
}

long try_content(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    if (S_ISDIR(status.st_mode)) return try_entries(path);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return -1;
    char byte;
    ssize_t count = read(descriptor, &byte, 1);
    int error = count == 0 ? ENODATA : errno;
    close(descriptor);
    errno = error;
    return count == 1 ? 0 : -1;
}

static int is_granted(const struct attempt *attempt, int error) {
    for (int index = 0; index < 4 && attempt->granted[index]; index++) {
        if (attempt->granted[index] == error) return 1;
    }
    return 0;
}

// The child sends its errno; a killed child sends nothing.
static void run(const struct attempt *attempt, FILE *results) {
    int ends[2], error = -1, status = 0;
    fflush(results);
    if (pipe(ends) != 0) exit(70);
    pid_t child = fork();
    if (child == 0) {
        alarm(5);
        // If this is allowed, the attempt's mounts are private and end with it.
        (void)!unshare(CLONE_NEWNS);
        int sent = attempt->run() >= 0 ? 0 : errno;
        if (write(ends[1], &sent, sizeof sent) != sizeof sent) _exit(71);
        _exit(0);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &error, sizeof error) != sizeof error) error = -1;
    close(ends[0]);
    if (child > 0) waitpid(child, &status, 0);
    const char *word = error == 0 || is_granted(attempt, error) ? "allowed" : "refused";
    const char *name = error < 0 ? (WIFSIGNALED(status) ? "KILLED" : "LOST") : error ? strerrorname_np(error) : "0";
    fprintf(results, "%s %s %s\n", attempt->name, word, name ? name : "UNKNOWN");
}

static void run_all(const struct attempt *attempts, FILE *results) {
    for (; attempts->name; attempts++) run(attempts, results);
}

// Prints a fact without a value as a dash.
static void state_all(FILE *results) {
    for (const struct fact *fact = facts; fact->name; fact++) {
        char text[4096] = "";
        fact->read(text, sizeof text);
        fprintf(results, "%s value ", fact->name);
        // As one word: a comma for each run of blanks inside.
        const char *separator = "";
        for (char *word = strtok(text, " \t\n"); word; word = strtok(NULL, " \t\n")) {
            fprintf(results, "%s%s", separator, word);
            separator = ",";
        }
        fputs(*separator ? "\n" : "-\n", results);
    }
}

int main(int count, char **words) {
    if (count == 3 && strcmp(words[1], "serve") == 0) return serve(words[2]);
    if (count == 4 && strcmp(words[1], "outlive") == 0) return outlive(words[2]);
    int only_facts = count == 3 && strcmp(words[1], "facts") == 0;
    if (only_facts) words++, count--;
    if (count != 2 && count != 4) return 64;
    if (count == 4) host_key = words[2], host_port = atoi(words[3]);
    // The facts come first: no descriptor of the probe itself is open yet.
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    if (!lines) return 70;
    state_all(lines);
    const struct attempt *lists[] = {
        mount_attempts, namespace_attempts, kernel_attempts, device_attempts, identity_attempts,
        file_attempts,  socket_attempts,    abi_attempts,    host_attempts,
    };
    for (size_t index = 0; !only_facts && index < sizeof lists / sizeof *lists; index++) run_all(lists[index], lines);
    fclose(lines);
    FILE *results = strcmp(words[1], "-") == 0 ? stdout : fopen(words[1], "w");
    if (!results) return 73;
    fputs(text, results);
    fprintf(results, "end value complete\n");
    return fclose(results) == 0 ? 0 : 74;
}
