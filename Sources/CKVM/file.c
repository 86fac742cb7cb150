#define _GNU_SOURCE
#include "MemoryFile.h"

#include <sys/mman.h>

int ckvm_memory_file(void) { return memfd_create("thaw", MFD_CLOEXEC); }
