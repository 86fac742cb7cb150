// The confinement of a machine's threads. All of it applies to the calling thread alone, and is irreversible.
#pragma once

/// Sets no_new_privs.
int ckvm_forbid_privileges(void);
/// Returns the kernel's Landlock version; 0 if it has none, or has it disabled.
long ckvm_landlock_version(void);
/// Applies all of Landlock's restrictions that the kernel supports: files that are not open yet, TCP bind and connect
/// (version 4), abstract UNIX sockets of others, and signals to others (version 6).
int ckvm_forbid_files_and_sockets(void);
/// Allows the calls for running a processor; any other system call ends the process with SIGSYS.
int ckvm_allow_processor(void);
/// Allows the calls for serving devices.
int ckvm_allow_devices(void);
/// Allows the calls of one machine's process, for this thread and the threads that it starts from now on.
int ckvm_allow_machine(void);
