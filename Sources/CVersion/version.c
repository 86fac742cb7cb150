#include "CVersion.h"

const char *cversion(void) { return THAW_VERSION; }

const char *ccommit(void) { return THAW_COMMIT; }
