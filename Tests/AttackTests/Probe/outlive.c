// Processes that are hard to end: the container's must be gone once `thaw` is.
#include "probe.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

// Longer than any test waits; a process that survives by mistake ends then.
#define LIFETIME_SECONDS 120

static int stay(void) {
    for (int second = 0; second < LIFETIME_SECONDS; second++) sleep(1);
    return 0;
}

static void forget_parent(void) {
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static int stay_stopped(void) {
    raise(SIGSTOP);
    return stay();
}

// Two forks and a session of its own; the first process stays too.
static int stay_detached(void) {
    if (fork() == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        forget_parent();
        _exit(stay());
    }
    return stay();
}

// A stopped child whose signals go to its tracer.
static int stay_traced(void) {
    pid_t child = fork();
    if (child == 0) {
        forget_parent();
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(stay());
    }
    return child < 0 ? 71 : stay();
}

// More and more processes, each the child of the last.
static int stay_forking(void) {
    for (int count = 0; count < 200; count++) {
        if (fork() != 0) return stay();
        forget_parent();
        usleep(1000);
    }
    return stay();
}

int outlive(const char *manner) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    forget_parent();
    if (strcmp(manner, "plain") == 0) return stay();
    if (strcmp(manner, "set-uid") == 0) return geteuid() == 0 ? stay() : 77;
    if (strcmp(manner, "stopped") == 0) return stay_stopped();
    if (strcmp(manner, "detached") == 0) return stay_detached();
    if (strcmp(manner, "traced") == 0) return stay_traced();
    if (strcmp(manner, "forking") == 0) return stay_forking();
    return 64;
}
