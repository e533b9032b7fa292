#include "LiveHeap.h"

// Any header of glibc says that it is glibc; `stddef.h` is the compiler's own.
#include <stdlib.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>

size_t live_heap(void) {
    malloc_statistics_t counted = {0};
    // All zones together.
    malloc_zone_statistics(NULL, &counted);
    return counted.size_in_use;
}
#elif defined(__GLIBC__)
#include <malloc.h>

size_t live_heap(void) {
    struct mallinfo2 counted = mallinfo2();
    return counted.uordblks + counted.hblkhd;
}
#else
size_t live_heap(void) { return 0; }
#endif
