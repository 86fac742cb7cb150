// What a thread of the machine may still ask of the kernel. All of it holds for the calling thread alone.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Forbids to gain privileges, on which the rest builds.
int ckvm_forbid_privileges(void);
/// Forbids every way to files that are not open yet; 0 also where this kernel has no Landlock.
int ckvm_forbid_files(void);
/// Allows the given system calls and, of ioctl, the given requests; any other ends the process with SIGSYS.
int ckvm_allow_calls(const uint32_t *calls, size_t call_count, const uint32_t *requests, size_t request_count);
