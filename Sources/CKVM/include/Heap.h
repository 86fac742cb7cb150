// The C library's heap: Swift's Glibc module does not have <malloc.h>.
#pragma once

#include <malloc.h>

/// Gives the system what was freed and is kept for later.
static inline void ckvm_trim_heap(void) { malloc_trim(0); }
