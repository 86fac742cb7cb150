#include "CVersion.h"

const char *cversion(void) { return THAW_VERSION; }
