// Files without a name.
#pragma once

/// Makes a file in memory, close-on-exec, which is freed with its last user. Returns -1 and sets errno on failure.
int ckvm_memory_file(void);
