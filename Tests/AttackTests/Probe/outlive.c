// Processes that are hard to kill: those of the container must have ended after `thaw`.
#include "probe.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

// Longer than any test waits; a process that survives by mistake exits then.
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

// Two forks and a new session; the first process stays too.
static int stay_detached(void) {
    if (fork() == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        forget_parent();
        _exit(stay());
    }
    return stay();
}

// A stopped child whose signals are delivered to its tracer.
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

#if defined(__x86_64__)
// Makes the traced process do a system call: its instruction pointer is two bytes after the call in which it waits.
static long inject(pid_t process, long number, long first, long second) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process, NULL, &registers) != 0) return -1;
    registers.rip -= 2;
    registers.rax = (unsigned long long)number;
    registers.orig_rax = ~0ULL;
    registers.rdi = (unsigned long long)first;
    registers.rsi = (unsigned long long)second;
    if (ptrace(PTRACE_SETREGS, process, NULL, &registers) != 0) return -1;
    return ptrace(PTRACE_CONT, process, NULL, NULL);
}

// Clears the parent-death signal of the container's first process, unless that is this process.
static void tamper(void) {
    if (getpid() == 1 || ptrace(PTRACE_SEIZE, 1, NULL, NULL) != 0) return;
    ptrace(PTRACE_INTERRUPT, 1, NULL, NULL);
    waitpid(1, NULL, __WALL);
    inject(1, SYS_prctl, PR_SET_PDEATHSIG, 0);
    usleep(10000);
    ptrace(PTRACE_INTERRUPT, 1, NULL, NULL);
    waitpid(1, NULL, __WALL);
    inject(1, SYS_setsid, 0, 0);
}
#else
static void tamper(void) { ptrace(PTRACE_SEIZE, 1, NULL, NULL); }
#endif

// A growing number of processes, each the child of the last.
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
    if (strcmp(manner, "tampering") == 0) return tamper(), stay();
    return 64;
}
