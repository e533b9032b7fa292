//! Logarithm and exponential in float32 that are the same on every device.
//!
//! Systems' own `logf` and `expf` differ from each other in the last bit of some values, and pictures of one seed with them. These
//! are computed in float64 and rounded once: a system's last bit of float64 then decides in one case of a hundred million.

/// The natural logarithm.
pub(crate) fn ln(x: f32) -> f32 {
    f64::from(x).ln() as f32
}

/// e to the power of `x`.
pub(crate) fn exp(x: f32) -> f32 {
    f64::from(x).exp() as f32
}

/// The decimal number that a float32 was given as. Python computes with that in float64; the float32 nearest to 0.7 lies below
/// it, and 0.7 of 10 steps would become 6.
pub(crate) fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arguments for which the GNU C library's `logf` and `expf` do not give the nearest float32; beside them the nearest, from
    /// Python's `math.log` and `math.exp` through `numpy.float32`.
    #[test]
    fn the_nearest_number_is_given_where_a_system_gives_its_neighbour() {
        let logarithms = [(0x3f7e_1753, 0xbbf5_40df), (0x3f7b_6960, 0xbc94_28ee), (0x3f79_c090, 0xbcca_68ea)];
        for (x, nearest) in logarithms {
            assert_eq!(ln(f32::from_bits(x)).to_bits(), nearest, "ln {x:x}");
        }
        for (x, nearest) in [(0xc03a_5255, 0x3d5e_d926), (0xc010_e036, 0x3dd4_ec7d), (0xbf01_cc09, 0x3f1a_2f8b)] {
            assert_eq!(exp(f32::from_bits(x)).to_bits(), nearest, "exp {x:x}");
        }
        assert_eq!((ln(0.0), exp(f32::NEG_INFINITY), exp(0.0)), (f32::NEG_INFINITY, 0.0, 1.0));
    }
}
