//! Chance that comes back: the same seed breaks the same things at the next run.

/// A xorshift generator (Marsaglia, "Xorshift RNGs", 2003). The seed is not 0.
pub struct Random(pub u64);

impl Random {
    /// A number from 0 to below `below`; 0 where that is 0.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
