#pragma once

#include <stddef.h>

/// Bytes that are allocated and not freed; 0 where the C library does not tell.
///
/// Resident memory would say less: free room inside the heap hides a leak.
size_t live_heap(void);
