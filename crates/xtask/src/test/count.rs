//! Reads libtest's own summary lines out of `cargo test`'s output and adds them up.

use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

impl Count {
    /// Something that is not a test failed: it must not vanish from the sum.
    pub fn one_failed() -> Self {
        Self {
            passed: 0,
            failed: 1,
        }
    }

    /// Takes in one line of output. `test result: ok. 3 passed; 0 failed; 1 ignored; …`; an ignored test counts as
    /// failed, since nothing may be skipped.
    pub fn read(&mut self, line: &str) {
        let Some(summary) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        let summary = summary.split_once(". ").map_or(summary, |(_, rest)| rest);
        for part in summary.split(';') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match word {
                "passed" => self.passed += number,
                "failed" | "ignored" => self.failed += number,
                _ => {}
            }
        }
    }

    /// Takes in how the whole command ended: what failed without a summary (a build, a crash) still failed.
    pub fn ended(&mut self, well: bool) {
        if !well && self.failed == 0 {
            self.failed = 1;
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str], well: bool) -> (u64, u64) {
        let mut count = Count::default();
        for line in lines {
            count.read(line);
        }
        count.ended(well);
        (count.passed, count.failed)
    }

    #[test]
    fn summaries_of_several_programs_add_up() {
        let lines = [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s",
        ];
        assert_eq!(read(&lines, false), (4, 2));
    }

    #[test]
    fn an_ignored_test_is_a_failure() {
        let line = "test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(read(&[line], true), (3, 2));
    }

    #[test]
    fn a_build_that_fails_or_a_crash_is_a_failure() {
        assert_eq!(read(&["error: could not compile"], false), (0, 1));
    }

    #[test]
    fn a_line_that_only_looks_like_one_counts_nothing() {
        assert_eq!(
            read(&["3 passed, 1 failed", "result: ok. 3 passed"], true),
            (0, 0)
        );
    }
}
