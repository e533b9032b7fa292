//! The computer's memory.

/// Bytes that a program can take without swapping, where the system says so: on Linux, what `/proc/meminfo` calls
/// available, and no more than the process's control group has left.
pub fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = from_meminfo(&text)?;
    Some(group_rest().map_or(free, |rest| rest.min(free)))
}

fn from_meminfo(text: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::from_meminfo;

    #[test]
    fn available_memory_is_read_in_bytes() {
        let text = "MemTotal:       24683712 kB\nMemFree:          598016 kB\nMemAvailable:   21592064 kB\n";
        assert_eq!(from_meminfo(text), Some(21_592_064 * 1024));
        assert_eq!(from_meminfo("MemTotal: 1 kB\n"), None);
        assert_eq!(from_meminfo("MemAvailable: many kB\n"), None);
    }
}
