//! How often tests of endurance do what they do: a few times beside other tests, or as often as `cargo xtask endure` asks.

/// The variable that says how often.
pub const TIMES: &str = "CONES_ENDURE";
/// From so many times on a claim is made about memory: before that it still settles.
const SETTLED: u64 = 500;
/// What resident memory may grow by from the second tenth of a long run to its last.
const GROWTH: f64 = 0.02;

/// `usual`, unless the variable says another number.
///
/// # Panics
/// Where the variable is no number above 0.
pub fn times(usual: u64) -> u64 {
    let Ok(text) = std::env::var(TIMES) else { return usual };
    text.parse().ok().filter(|times| *times > 0).unwrap_or_else(|| panic!("{TIMES} is `{text}`, no number above 0"))
}

/// Says what was endured. `cargo xtask endure` makes a table of these lines, whose parts are separated by tabs.
pub fn say(what: &str, found: std::fmt::Arguments<'_>) {
    println!("endured\t{what}\t{found}");
}

/// Which of `times` rounds this is, as one number in 0..below that looks random and is the same in each run.
pub fn scattered(round: u64, below: u64) -> u64 {
    round.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) % below.max(1)
}

/// Bytes of this process that are resident, where the system says so as Linux does.
pub fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Resident memory in the course of a run.
#[derive(Debug, Default)]
pub struct Course(Vec<u64>);

impl Course {
    /// Notes how much it is now.
    pub fn note(&mut self) {
        self.0.extend(resident());
    }

    /// Megabytes in the second tenth and in the last, each as the median, and their ratio. `None` where there is nothing to
    /// compare.
    pub fn settled(&self) -> Option<(f64, f64, f64)> {
        let tenth = self.0.len() / 10;
        let middle = |part: &[u64]| {
            let mut sorted = part.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).map(|bytes| *bytes as f64 / 1e6)
        };
        let early = middle(self.0.get(tenth..2 * tenth)?)?;
        let late = middle(self.0.get(self.0.len() - tenth..)?)?;
        Some((early, late, late / early))
    }

    /// As text; and, in a long run, whether it is flat is asserted.
    ///
    /// # Panics
    /// Where a long run grew.
    pub fn told(&self) -> String {
        let Some((early, late, ratio)) = self.settled() else { return "too short to say more of memory".to_owned() };
        if self.0.len() as u64 >= SETTLED {
            assert!(ratio < 1.0 + GROWTH, "resident memory grew from {early:.1} to {late:.1} MB: {ratio:.3} times");
        }
        format!("resident {early:.1} MB in the second tenth, {late:.1} MB in the last: {ratio:.3} times")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_grows_is_told_from_one_that_is_flat() {
        let megabytes = |of: &dyn Fn(u64) -> u64| Course((0..1000).map(|round| of(round) * 1_000_000).collect());
        // Settling in the first tenth is no growth.
        let flat = megabytes(&|round| if round < 100 { round } else { 500 + round % 3 });
        assert!(flat.told().contains("1.000 times"), "{}", flat.told());
        let grows = megabytes(&|round| 500 + round / 10);
        assert!(std::panic::catch_unwind(|| grows.told()).is_err());
        assert!(Course(vec![1, 2]).settled().is_none());
    }

    #[test]
    fn rounds_are_scattered_over_all_of_a_range() {
        let mut tenths = [0; 10];
        (0..1000).for_each(|round| tenths[(scattered(round, 1000) / 100) as usize] += 1);
        assert!(tenths.iter().all(|count| (60..140).contains(count)), "{tenths:?}");
    }
}
