// The launcher: a program of under 2 KB that executes a container's command. The holder: a second one, which only
// waits.
//
// Before it executes a command, a child that shares this process's memory executes the launcher. From then on
// /proc/self/exe in the container is the launcher's sealed memory file, never the file of this program (CVE-2019-5736).
// The launcher's code is in an ELF section of its own. It uses no library and no data outside that section, so a copy
// of the section after an ELF header is a complete program.
//
//     launcher PATH COMMAND ...   looks the command up in PATH and executes it; writes errno to descriptor 3
//     holder                      waits until killed: the init of a PID namespace, the member of a user namespace
#define _GNU_SOURCE
#include "CLinux.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

// Without optimisation the compiler emits no calls of memcpy or strlen, which would be outside the section.
#define LAUNCHER __attribute__((section("launcher"), used, noinline, optnone, no_stack_protector, visibility("hidden")))

enum { status_descriptor = clinux_launcher_status, path_size = 4096 };

// MARK: The program

#if defined(__x86_64__)
enum { machine = EM_X86_64 };

LAUNCHER long clinux_launcher_call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((section("launcher"), used, naked, visibility("hidden"))) void clinux_launcher_start(void) {
    __asm__("xorl %ebp, %ebp\n\t"
            "movq %rsp, %rdi\n\t"
            "andq $-16, %rsp\n\t"
            "callq clinux_launcher_main\n\t"
            "hlt");
}

__attribute__((section("launcher"), used, naked, visibility("hidden"))) void clinux_holder_start(void) {
    __asm__("callq clinux_launcher_wait\n\t"
            "hlt");
}
#elif defined(__aarch64__)
enum { machine = EM_AARCH64 };

LAUNCHER long clinux_launcher_call(long number, long first, long second, long third) {
    register long result __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x8 __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(result) : "r"(x1), "r"(x2), "r"(x8) : "memory", "cc");
    return result;
}

__attribute__((section("launcher"), used, naked, visibility("hidden"))) void clinux_launcher_start(void) {
    __asm__("mov x29, xzr\n\t"
            "mov x0, sp\n\t"
            "bl clinux_launcher_main\n\t"
            "brk #1");
}

__attribute__((section("launcher"), used, naked, visibility("hidden"))) void clinux_holder_start(void) {
    __asm__("bl clinux_launcher_wait\n\t"
            "brk #1");
}
#endif

LAUNCHER void clinux_launcher_wait(void) {
    for (;;) clinux_launcher_call(SYS_ppoll, 0, 0, 0);
}

// Executes `directory`/`name`; `size` is the length of the directory in bytes. Returns the errno.
LAUNCHER long clinux_launcher_try(char *directory, long size, char **words, char **environment) {
    char path[path_size];
    char *name = words[0];
    long length = 0;
    if (size == 0) path[length++] = '.';
    if (size >= path_size) return ENAMETOOLONG;
    while (length < size) {
        path[length] = directory[length];
        length++;
    }
    path[length++] = '/';
    while (*name) {
        if (length + 1 >= path_size) return ENAMETOOLONG;
        path[length++] = *name++;
    }
    path[length] = 0;
    return -clinux_launcher_call(SYS_execve, (long)path, (long)words, (long)environment);
}

// Looks the command up as execvp does, but never runs a file without #! in a shell. Returns the errno.
LAUNCHER long clinux_launcher_search(char *search, char **words, char **environment) {
    for (char *at = words[0]; *at; at++) {
        if (*at == '/') return -clinux_launcher_call(SYS_execve, (long)words[0], (long)words, (long)environment);
    }
    long denied = 0;
    for (;;) {
        long size = 0;
        while (search[size] && search[size] != ':') size++;
        long error = clinux_launcher_try(search, size, words, environment);
        if (error == EACCES) denied = 1;
        if (error != ENOENT && error != ENOTDIR && error != EACCES && error != ENAMETOOLONG) return error;
        if (!search[size]) return denied ? EACCES : ENOENT;
        search += size + 1;
    }
}

LAUNCHER void clinux_launcher_main(long *stack) {
    long count = stack[0];
    char **words = (char **)(stack + 1);
    // A container that executes its own /proc/self/exe has no status pipe.
    long result = clinux_launcher_call(SYS_fcntl, status_descriptor, F_SETFD, FD_CLOEXEC);
    if (count < 2 || result != 0) clinux_launcher_call(SYS_exit_group, 127, 0, 0);
    int error = (int)clinux_launcher_search(words[0], words + 1, words + count + 1);
    clinux_launcher_call(SYS_write, status_descriptor, (long)&error, sizeof error);
    clinux_launcher_call(SYS_exit_group, 127, 0, 0);
}

// MARK: The launcher's file

extern const unsigned char __start_launcher[], __stop_launcher[];

enum { load_address = 0x400000, code_offset = 192 };

static size_t write_image(unsigned char *image, void (*start)(void)) {
    size_t code = (size_t)(__stop_launcher - __start_launcher);
    uint64_t entry = (uint64_t)((const unsigned char *)start - __start_launcher);
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = machine, .e_version = EV_CURRENT,
        .e_entry = load_address + code_offset + entry, .e_phoff = sizeof header, .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
    };
    Elf64_Phdr segments[2] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = load_address, .p_paddr = load_address,
         .p_filesz = code_offset + code, .p_memsz = code_offset + code, .p_align = 0x1000},
        {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16},
    };
    memcpy(image, &header, sizeof header);
    memcpy(image + sizeof header, segments, sizeof segments);
    memcpy(image + code_offset, __start_launcher, code);
    return code_offset + code;
}

static int make_program(void (*start)(void)) {
    unsigned char image[16384] = {0};
    if ((size_t)(__stop_launcher - __start_launcher) > sizeof image - code_offset) return errno = E2BIG, -1;
    int file = memfd_create("launcher", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    // Linux before 6.3 doesn't know MFD_EXEC; memory files are executable there.
    if (file < 0 && errno == EINVAL) file = memfd_create("launcher", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -1;
    size_t size = write_image(image, start);
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (write(file, image, size) == (ssize_t)size && fcntl(file, F_ADD_SEALS, seals) == 0) return file;
    int error = errno;
    close(file);
    return errno = error, -1;
}

int clinux_make_launcher(void) { return make_program(clinux_launcher_start); }

int clinux_make_holder(void) { return make_program(clinux_holder_start); }
