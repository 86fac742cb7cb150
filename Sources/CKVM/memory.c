#include "CKVM.h"

#include <string.h>

// A function of its own, never inlined, so that no compiler reads the source again instead of the copy.
__attribute__((noinline)) void ckvm_copy(void *destination, const void *source, size_t count) {
    memcpy(destination, source, count);
    __asm__ volatile("" ::: "memory");
}
