//! Random delays, so that nodes do not act in step. Seeded, so that a run can be repeated.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). It is good enough for delays; nothing here is secret.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A random duration of at least `low` and less than `high`.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        low + high.saturating_sub(low).mul_f64(self.fraction())
    }

    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The upper 53 bits are exact in an f64.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (z >> 11) as f64 / (1u64 << 53) as f64;
        fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut jitter = Jitter::new(0);
        for number in [0xe220_a839_7b1d_cdaf_u64, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f] {
            #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
            let expected = (number >> 11) as f64 / (1u64 << 53) as f64;
            assert_eq!(jitter.fraction().to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn a_span_is_within_its_bounds() {
        let mut jitter = Jitter::new(7);
        let (low, high) = (Duration::from_secs(1), Duration::from_secs(3));
        let spans: Vec<_> = (0..100).map(|_| jitter.between(low, high)).collect();
        assert!(spans.iter().all(|span| (low..high).contains(span)));
        assert!(spans.iter().any(|span| *span > Duration::from_secs(2)));
        assert_eq!(jitter.between(high, low), high);
    }
}
