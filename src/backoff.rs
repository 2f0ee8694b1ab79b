//! How long to wait before trying again.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Waits that double up to a bound, each cut to a random part of itself ("full jitter", M. Brooker,
/// *Exponential Backoff and Jitter*, 2015), so that nodes that failed together do not come back together.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// The first wait is at most `first`, and none is longer than `max`.
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        let first = first.min(max);
        Self { first, max, ceiling: first }
    }

    /// How long to wait this time: at most the ceiling, which then doubles. Never less than half of the very
    /// first ceiling, so that nothing is hammered.
    pub(crate) fn next(&mut self, random: &mut impl Rng) -> Duration {
        let wait = random.random_range(self.first / 2..=self.ceiling);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        wait
    }

    #[cfg(any(feature = "postgres", test))]
    /// It worked: the next wait is a first one again.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.first;
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_over_after_a_reset() {
        let ms = Duration::from_millis;
        for seed in 0..200 {
            let random = &mut StdRng::seed_from_u64(seed);
            let mut backoff = Backoff::new(ms(100), ms(1000));
            for ceiling in [100, 200, 400, 800, 1000, 1000] {
                let wait = backoff.next(random);
                assert!((ms(50)..=ms(ceiling)).contains(&wait), "{wait:?} of {ceiling}");
            }
            backoff.reset();
            assert!(backoff.next(random) <= ms(100));
        }
        assert!(Backoff::new(ms(100), ms(10)).next(&mut StdRng::seed_from_u64(1)) <= ms(10));
    }
}
