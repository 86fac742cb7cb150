#include "CLinux.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA_CODE __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// The eight words of a state in the order of the instructions: ABEF and CDGH.
struct registers {
    __m128i abef, cdgh;
};

SHA_CODE static struct registers load(const uint32_t state[8]) {
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    return (struct registers){_mm_alignr_epi8(low, high, 8), _mm_blend_epi16(high, low, 0xF0)};
}

SHA_CODE static void store(struct registers value, uint32_t state[8]) {
    __m128i low = _mm_shuffle_epi32(value.abef, 0x1B), high = _mm_shuffle_epi32(value.cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

// Adds whole blocks to two states. The compiler removes the second one where it is not used.
SHA_CODE static inline __attribute__((always_inline)) void add_blocks(
    uint32_t one[8], uint32_t other[8], const unsigned char *bytes, size_t blocks, int has_other) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    struct registers a = load(one), b = has_other ? load(other) : a;
    for (; blocks > 0; blocks--, bytes += 64) {
        struct registers first_a = a, first_b = b;
        __m128i words[4];
        for (int i = 0; i < 4; i++)
            words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), order);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            __m128i sum = _mm_add_epi32(words[i & 3], _mm_load_si128((const __m128i *)(constants + 4 * i)));
            a.cdgh = _mm_sha256rnds2_epu32(a.cdgh, a.abef, sum);
            if (has_other) b.cdgh = _mm_sha256rnds2_epu32(b.cdgh, b.abef, sum);
            sum = _mm_shuffle_epi32(sum, 0x0E);
            a.abef = _mm_sha256rnds2_epu32(a.abef, a.cdgh, sum);
            if (has_other) b.abef = _mm_sha256rnds2_epu32(b.abef, b.cdgh, sum);
            if (i >= 12) continue;
            __m128i next = _mm_sha256msg1_epu32(words[i & 3], words[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(words[(i + 3) & 3], words[(i + 2) & 3], 4));
            words[i & 3] = _mm_sha256msg2_epu32(next, words[(i + 3) & 3]);
        }
        a.abef = _mm_add_epi32(a.abef, first_a.abef);
        a.cdgh = _mm_add_epi32(a.cdgh, first_a.cdgh);
        b.abef = _mm_add_epi32(b.abef, first_b.abef);
        b.cdgh = _mm_add_epi32(b.cdgh, first_b.cdgh);
    }
    store(a, one);
    if (has_other) store(b, other);
}

SHA_CODE static void add_to_one(uint32_t one[8], const unsigned char *bytes, size_t blocks) {
    add_blocks(one, one, bytes, blocks, 0);
}

SHA_CODE static void add_to_both(uint32_t one[8], uint32_t other[8], const unsigned char *bytes, size_t blocks) {
    add_blocks(one, other, bytes, blocks, 1);
}

int clinux_sha256_works(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}
#else
int clinux_sha256_works(void) { return 0; }
static void add_to_one(uint32_t *one, const unsigned char *bytes, size_t blocks) {}
static void add_to_both(uint32_t *one, uint32_t *other, const unsigned char *bytes, size_t blocks) {}
#endif

void clinux_sha256_start(struct clinux_sha256 *digest) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(digest, 0, sizeof *digest);
    memcpy(digest->state, first, sizeof first);
}

// Adds bytes to the rest of a block; returns the number of bytes that it took.
static size_t fill(struct clinux_sha256 *digest, const unsigned char *bytes, size_t count) {
    size_t used = digest->count % 64;
    if (used == 0) return 0;
    size_t taken = count < 64 - used ? count : 64 - used;
    memcpy(digest->rest + used, bytes, taken);
    if (used + taken == 64) add_to_one(digest->state, digest->rest, 1);
    digest->count += taken;
    return taken;
}

static void add(struct clinux_sha256 *digest, const unsigned char *bytes, size_t count) {
    size_t taken = fill(digest, bytes, count);
    bytes += taken;
    count -= taken;
    if (count == 0) return;
    add_to_one(digest->state, bytes, count / 64);
    memcpy(digest->rest, bytes + count / 64 * 64, count % 64);
    digest->count += count;
}

void clinux_sha256_add(
    struct clinux_sha256 *stream, struct clinux_sha256 *part, const void *data, size_t count) {
    const unsigned char *bytes = data;
    if (part == NULL) return add(stream, bytes, count);
    // The states advance together from the next block of both on.
    if (stream->count % 64 != part->count % 64) {
        add(stream, bytes, count);
        return add(part, bytes, count);
    }
    size_t taken = fill(part, bytes, count);
    fill(stream, bytes, count);
    bytes += taken;
    count -= taken;
    if (count == 0) return;
    add_to_both(stream->state, part->state, bytes, count / 64);
    memcpy(stream->rest, bytes + count / 64 * 64, count % 64);
    memcpy(part->rest, bytes + count / 64 * 64, count % 64);
    stream->count += count;
    part->count += count;
}

void clinux_sha256_end(const struct clinux_sha256 *digest, unsigned char result[32]) {
    struct clinux_sha256 copy = *digest;
    unsigned char end[128] = {0x80};
    uint64_t bits = digest->count * 8;
    size_t padding = 64 - digest->count % 64;
    if (padding < 9) padding += 64;
    for (int i = 0; i < 8; i++) end[padding - 8 + i] = (unsigned char)(bits >> (56 - 8 * i));
    add(&copy, end, padding);
    for (int i = 0; i < 32; i++) result[i] = (unsigned char)(copy.state[i / 4] >> (24 - i % 4 * 8));
}
