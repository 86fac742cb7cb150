// Files without a name.
#pragma once

/// A new file that lives in memory until its last user lets go; close-on-exec. -1 and errno where that fails.
int ckvm_memory_file(void);
