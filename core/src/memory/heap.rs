//! The one seam to the allocator of the C library, which ONNX Runtime takes its memory from.
//!
//! What a session frees the C library keeps for the next allocation: after a U-Net of Stable Diffusion's size more than a
//! gigabyte. That is what held memory after a session was dropped. glibc keeps the more the larger the blocks are that it
//! has seen freed: it then takes blocks of that size from its heaps, where they leave gaps.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod library {
    use std::ffi::c_int;
    use std::sync::Once;

    // SAFETY: declared as in the C library's `malloc.h`; these take numbers alone.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        safe fn malloc_trim(pad: usize) -> c_int;
        safe fn mallopt(option: c_int, value: c_int) -> c_int;
    }

    /// `M_TRIM_THRESHOLD`: free bytes at the end of a heap that go back at once.
    const TRIM_THRESHOLD: c_int = -1;
    /// `M_MMAP_THRESHOLD`: from this size on blocks are mapped one by one, and go back when they are freed.
    const MMAP_THRESHOLD: c_int = -3;
    /// Mapping takes the time of clearing the pages, so not for the many small blocks. From 16 or 32 MiB on instead, a VAE of
    /// Stable Diffusion's size decodes 512 x 512 pixels in 0.86 of the time and holds 878 MB instead of 728: who asks for this
    /// is short of memory.
    const LARGE: c_int = 1 << 20;

    /// Large blocks are mapped one by one from now on, and go back when they are freed.
    pub fn be_tidy() {
        static DONE: Once = Once::new();
        DONE.call_once(|| {
            // Setting them ends their growing, too.
            mallopt(MMAP_THRESHOLD, LARGE);
            mallopt(TRIM_THRESHOLD, LARGE);
        });
    }

    pub(crate) fn give_back() {
        malloc_trim(0);
    }
}

#[cfg(target_os = "android")]
mod library {
    use std::ffi::c_int;

    // SAFETY: declared as in bionic's `malloc.h`; it takes numbers alone.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        safe fn mallopt(option: c_int, value: c_int) -> c_int;
    }

    /// `M_PURGE`, Android 9 and newer; older ones answer 0 and do nothing.
    const PURGE: c_int = -101;

    /// Large blocks are mapped one by one anyway.
    pub fn be_tidy() {}

    pub(crate) fn give_back() {
        mallopt(PURGE, 0);
    }
}

/// Other C libraries give large blocks back when they are freed.
#[cfg(not(any(all(target_os = "linux", target_env = "gnu"), target_os = "android")))]
mod library {
    /// Nothing is to be done.
    pub fn be_tidy() {}

    pub(crate) fn give_back() {}
}

/// Lets the C library give large blocks back as soon as they are freed, from now on, in the whole process.
pub use library::be_tidy;
/// Gives what is free in the C library's heaps back to the system.
pub(crate) use library::give_back;
