// What a thread of the machine may still ask of the kernel. All of it holds for the calling thread alone, and for ever.
#pragma once

/// Forbids to gain privileges, and every way to files that are not open yet (the latter where the kernel has Landlock).
int ckvm_forbid_privileges(void);
int ckvm_forbid_files(void);
/// Allows what running a processor takes; any other system call ends the process with SIGSYS.
int ckvm_allow_processor(void);
/// Allows what serving devices takes.
int ckvm_allow_devices(void);
