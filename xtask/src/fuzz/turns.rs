//! Who is fed when: all parsers in turn, so that each has had its share whenever it ends.

/// The longest turn, in seconds. A process that is killed loses no more than this of its sum.
const LONGEST: u64 = 120;

/// The seconds of each turn that a parser gets of its share.
pub(super) fn turns(share: u64) -> Vec<u64> {
    let count = share.div_ceil(LONGEST).max(1);
    (0..count).map(|turn| (share * (turn + 1) / count - share * turn / count).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_short_and_make_the_share() {
        for share in [1, 5, 119, 120, 121, 3600] {
            let turns = turns(share);
            assert_eq!(turns.iter().sum::<u64>(), share);
            assert!(turns.iter().all(|&turn| (1..=LONGEST).contains(&turn)), "{turns:?}");
        }
        assert_eq!(turns(0), [1]);
    }
}
