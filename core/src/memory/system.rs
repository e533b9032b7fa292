//! How much memory this process can still have, as the system tells it.

/// Bytes that this process can take without harm; `None` where the system does not say.
///
/// Linux and Android: what `/proc/meminfo` calls available, and no more than the process's control group has left.
/// iOS: what is left until the system ends the app. macOS: pages that are free or can be freed at once.
#[must_use]
pub fn available() -> Option<u64> {
    system::available()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    pub(super) fn available() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let free = from_meminfo(&text)?;
        Some(group_rest().map_or(free, |rest| rest.min(free)))
    }

    pub(super) fn from_meminfo(text: &str) -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    }

    /// What a container's limit leaves; cached files count as used there, though they would make room.
    fn group_rest() -> Option<u64> {
        let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
        let limit: u64 = read("memory.max")?.trim().parse().ok()?;
        let used: u64 = read("memory.current")?.trim().parse().ok()?;
        let stat = read("memory.stat")?;
        let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "))?.trim().parse().unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(cached)))
    }
}

#[cfg(target_os = "ios")]
mod system {
    // SAFETY: declared as in `os/proc.h`.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        /// Bytes until the process reaches its limit; 0 where there is none, as in the simulator. iOS 13 and newer.
        safe fn os_proc_available_memory() -> usize;
    }

    pub(super) fn available() -> Option<u64> {
        u64::try_from(os_proc_available_memory()).ok().filter(|bytes| *bytes > 0)
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::ffi::{CStr, c_char, c_int, c_void};

    // SAFETY: declared as in `sys/sysctl.h`.
    #[allow(unsafe_code)]
    unsafe extern "C" {
        fn sysctlbyname(
            name: *const c_char,
            old: *mut c_void,
            old_len: *mut usize,
            new: *mut c_void,
            new_len: usize,
        ) -> c_int;
    }

    /// Free, read ahead but not used, given up by programs, and clean copies of files.
    const PAGES: [&CStr; 4] = [
        c"vm.page_free_count",
        c"vm.page_speculative_count",
        c"vm.page_purgeable_count",
        c"vm.page_pageable_external_count",
    ];

    pub(super) fn available() -> Option<u64> {
        let pages = PAGES.into_iter().map(number).collect::<Option<Vec<_>>>()?;
        pages.into_iter().sum::<u64>().checked_mul(number(c"vm.pagesize")?)
    }

    fn number(name: &CStr) -> Option<u64> {
        let mut bytes = [0u8; 8];
        let mut length = bytes.len();
        // SAFETY: the name ends in a zero byte, and the system writes no more than `length` bytes to the buffer, which
        // has as many.
        #[allow(unsafe_code)]
        let status =
            unsafe { sysctlbyname(name.as_ptr(), bytes.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0) };
        // Numbers of 4 and of 8 bytes, lowest first on every Mac.
        (status == 0 && matches!(length, 4 | 8)).then(|| u64::from_le_bytes(bytes))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "ios", target_os = "macos")))]
mod system {
    pub(super) fn available() -> Option<u64> {
        None
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::system::from_meminfo;

    #[test]
    fn available_memory_is_read_in_bytes() {
        let text = "MemTotal:       24683712 kB\nMemFree:          598016 kB\nMemAvailable:   21592064 kB\n";
        assert_eq!(from_meminfo(text), Some(21_592_064 * 1024));
        assert_eq!(from_meminfo("MemTotal: 1 kB\n"), None);
        assert_eq!(from_meminfo("MemAvailable: many kB\n"), None);
        assert!(super::available().is_some_and(|bytes| bytes > 0));
    }
}
