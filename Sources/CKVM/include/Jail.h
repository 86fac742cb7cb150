// What a thread of the machine may still ask of the kernel. All of it holds for the calling thread alone, and for ever.
#pragma once

/// Forbids to gain privileges.
int ckvm_forbid_privileges(void);
/// Which version of Landlock the kernel has; 0 where it has none, or is told to use none.
long ckvm_landlock_version(void);
/// Forbids, as far as the kernel's Landlock can: every way to files that are not open yet, TCP to listen and to connect
/// (version 4), and abstract UNIX sockets and processes of others (version 6).
int ckvm_forbid_surroundings(void);
/// Allows what running a processor takes; any other system call ends the process with SIGSYS.
int ckvm_allow_processor(void);
/// Allows what serving devices takes.
int ckvm_allow_devices(void);
/// Allows what the process of one machine takes, for this thread and those that it starts from now on.
int ckvm_allow_machine(void);
