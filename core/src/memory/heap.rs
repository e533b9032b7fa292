//! The one seam to the allocator of the C library, which ONNX Runtime takes its memory from.
//!
//! What a session frees the C library keeps for the next allocation: after a U-Net of Stable Diffusion's size more than a
//! gigabyte. That is what held memory after a session was dropped.

/// Gives what is free in the C library's heap back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    // SAFETY: declared as in the C library's `malloc.h`; it takes numbers alone.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        /// Keeps `pad` bytes at the top of the heap; all other free pages go, those between used ones too.
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    malloc_trim(0);
}

/// Gives what is free in the C library's heap back to the system.
#[cfg(target_os = "android")]
pub(crate) fn give_back() {
    /// `M_PURGE` of bionic's `malloc.h`, Android 9 and newer; older ones answer 0 and do nothing.
    const PURGE: std::ffi::c_int = -101;
    // SAFETY: declared as in the C library's `malloc.h`; it takes numbers alone.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        safe fn mallopt(option: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
    }
    mallopt(PURGE, 0);
}

/// Other C libraries give large blocks back when they are freed.
#[cfg(not(any(all(target_os = "linux", target_env = "gnu"), target_os = "android")))]
pub(crate) fn give_back() {}
