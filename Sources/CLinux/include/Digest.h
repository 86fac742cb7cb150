// SHA-256 of a stream and of a part of it in one pass, by the CPU's SHA instructions, which Swift can't express.
//
// Both digests need the same message schedule, and the instructions have a latency of which a second state uses the
// rest: two digests cost 1.1 times as much as one.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct clinux_sha256 {
    uint32_t state[8];
    uint64_t count;  // the bytes so far
    unsigned char rest[64];
};

// Returns 1 if this CPU has the instructions; else no other function may be called.
int clinux_sha256_works(void);

void clinux_sha256_start(struct clinux_sha256 *digest);

// Adds bytes to a stream, and to a part of it that may be NULL.
void clinux_sha256_add(
    struct clinux_sha256 *stream, struct clinux_sha256 *part, const void *bytes, size_t count);

void clinux_sha256_end(const struct clinux_sha256 *digest, unsigned char result[32]);
