// Memory that a guest writes to at the same time. Every access is a single access: nothing is read twice.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Acquire load, which later accesses can't overtake; `address` is aligned to two bytes.
static inline uint16_t ckvm_load_acquire16(const void *address) {
    return __atomic_load_n((const uint16_t *)address, __ATOMIC_ACQUIRE);
}

/// Release store, which earlier accesses can't overtake; `address` is aligned to two bytes.
static inline void ckvm_store_release16(void *address, uint16_t value) {
    __atomic_store_n((uint16_t *)address, value, __ATOMIC_RELEASE);
}

/// Orders a store before a later load, which needs a full fence: after publishing, before the notification check.
static inline void ckvm_full_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/// Copies bytes that may change meanwhile; each is read once.
void ckvm_copy(void *destination, const void *source, size_t count);

/// Acquire load of a word that others change; `address` is aligned to four bytes.
static inline uint32_t ckvm_load32(const void *address) {
    return __atomic_load_n((const uint32_t *)address, __ATOMIC_ACQUIRE);
}

/// Release store of a word that others read; `address` is aligned to four bytes.
static inline void ckvm_store32(void *address, uint32_t value) {
    __atomic_store_n((uint32_t *)address, value, __ATOMIC_RELEASE);
}

/// Atomically sets bits of a word that others change too.
static inline void ckvm_set32(void *address, uint32_t bits) {
    __atomic_fetch_or((uint32_t *)address, bits, __ATOMIC_ACQ_REL);
}

/// Atomically clears bits of a word that others change too.
static inline void ckvm_clear32(void *address, uint32_t bits) {
    __atomic_fetch_and((uint32_t *)address, ~bits, __ATOMIC_ACQ_REL);
}
