// The system's compression and archive libraries, for OCI alone.
#include <archive.h>
#include <archive_entry.h>
#include <libdeflate.h>
#include <zstd.h>
