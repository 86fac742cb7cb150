#include "CKVM.h"

#include <string.h>

// A function of its own, never inlined: no compiler may read the source again in place of what was copied.
__attribute__((noinline)) void ckvm_copy(void *destination, const void *source, size_t count) {
    memcpy(destination, source, count);
    __asm__ volatile("" ::: "memory");
}
