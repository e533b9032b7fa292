//! Hostile files whose neurons are wrong, bit by bit.

use crate::code::Bits;
use crate::hostile_files::{Files, file, plain, start, with_neurons};

pub(crate) fn all() -> Files {
    [counts(), codes(), splits()].concat()
}

/// Counts: 3 bits for the length of the first layer's, as 120 has 7 bits; 4 bits for that of the second's.
fn counts() -> Files {
    let at = start(&plain());
    let none = Bits::default().count(0, 120);
    vec![
        file("no-layers", at, "in the middle of a layer", with_neurons(0, Bits::default())),
        file("count-cut-off", at, "in the middle of a layer", with_neurons(1, none.clone().put(8, 4))),
        file(
            "more-neurons-than-weights",
            at,
            "120 weights 127 neurons",
            with_neurons(127, Bits::default().put(7, 3).put(63, 6)),
        ),
        file("count-of-too-many-bits", at, "as 9; it is 8", with_neurons(0, none.clone().put(9, 4))),
        file(
            "other-count-than-the-header",
            at,
            "hold 0 neurons, the header says 5",
            with_neurons(5, none.clone().count(0, 200)),
        ),
        file(
            "a-trillion-neurons",
            at,
            "the header says 1099511627776",
            with_neurons(1 << 40, none.clone().count(0, 200)),
        ),
        file("a-byte-more", at, "1 bytes too many", with_neurons(0, none.clone().count(0, 200).put(0, 9))),
        file("bits-behind-the-end", at, "bits set behind", with_neurons(0, none.count(0, 200).put(1, 1))),
    ]
}

fn codes() -> Files {
    let at = start(&plain());
    let one = || Bits::default().count(1, 120);
    let unary = (0..40).fold(one(), |bits, _| bits.put(0, 32)).put(1, 1);
    // The divisor for 1 of 120 is 83: a quotient of 1 and a remainder of 60 make 143.
    let beyond = one().put(0b10, 2).put((60 + 45) >> 1, 6).put((60 + 45) & 1, 1).count(0, 200);
    // The first of four leaves room for two more.
    let crowded = Bits::default().count(4, 120).gap(20, 117).put(0, 40);
    vec![
        file("neuron-behind-its-layer", at + 1, "behind the end of its layer", with_neurons(1, beyond)),
        file("endless-zeros", at, "behind the end of its layer", with_neurons(1, unary)),
        file("zeros-to-the-end", at, "behind the end of its layer", with_neurons(1, one().put(0, 56))),
        file("no-room-for-the-rest", at + 2, "behind the end of its layer", with_neurons(4, crowded)),
    ]
}

/// The rule that a reader checks: see `core/src/pack/split.rs`.
fn splits() -> Files {
    let at = start(&plain());
    let begin = |count: u64| Bits::default().count(count, 120);
    // Sixteen neurons, spread evenly: not to be split.
    let even: Vec<u64> = (0..16).map(|i| 7 * i).collect();
    let upper: Vec<u64> = even.iter().copied().filter(|n| *n < 50).collect();
    let lower: Vec<u64> = even.iter().copied().filter(|n| *n >= 50).map(|n| n - 50).collect();
    let needless = begin(16).put(0b01, 2).number(5, 12).set(12, &[0, 1, 2, 3, 4]).number(8, 16);
    let needless = needless.set(50, &upper).set(70, &lower).count(0, 200);
    // Two full rows of twelve: to be split by rows.
    let full: Vec<u64> = (0..20).collect();
    let missing = begin(20).put(0, 1).set(120, &full).count(0, 200);
    let by_rows = |rows: &[u64]| begin(20).put(0b01, 2).number(rows.len() as u64, 12).set(12, rows);
    let by_columns = begin(20).put(0b11, 2).number(4, 10).set(10, &[0, 1, 2, 3]).number(8, 20);
    let by_columns = by_columns.set(48, &[0, 1, 2, 3, 4, 5, 6, 7]).set(72, &(0..12).collect::<Vec<_>>()).count(0, 200);
    let wide = by_rows(&[0, 1, 2]).number(20, 20).put(0, 1).set_full(30, &full).count(0, 200);
    vec![
        file("split-without-need", at + 1, "otherwise than the format says", with_neurons(16, needless)),
        file("not-split-in-need", at, "otherwise than the format says", with_neurons(20, missing)),
        file("split-along-the-other-axis", at + 1, "otherwise than the format says", with_neurons(20, by_columns)),
        file("split-with-a-row-too-many", at + 3, "otherwise than the format says", with_neurons(20, wide)),
        file(
            "split-of-more-than-all-rows",
            at + 1,
            "as 13; it is 12",
            with_neurons(20, begin(20).put(0b01, 2).number(13, 12)),
        ),
        file(
            "split-with-more-than-all-neurons",
            at + 2,
            "as 21; it is 20",
            with_neurons(20, by_rows(&[0, 1]).number(21, 20)),
        ),
        file(
            "split-with-more-than-a-row-holds",
            at + 2,
            "block of 10 weights 19 neurons",
            with_neurons(20, by_rows(&[0]).number(19, 20).put(0, 9)),
        ),
    ]
}
