// The parts of the kernel and the processor that MicroVM needs and Swift can't express. These are ioctl numbers behind
// macros, the union in kvm_run, and single accesses to memory that a guest changes meanwhile.
#pragma once

#include "Events.h"
#include "GuestMemory.h"
#include "Jail.h"
#include "KVM.h"
#include "MemoryFile.h"
