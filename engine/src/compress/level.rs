//! Compression levels, within the database's own limits.

use std::fmt;

/// A level is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{level} is not between {min} and {max}")]
pub struct LevelError {
    level: i32,
    min: i32,
    max: i32,
}

const fn check(level: i32, min: i32, max: i32) -> Result<i32, LevelError> {
    if min <= level && level <= max { Ok(level) } else { Err(LevelError { level, min, max }) }
}

/// How the matches of an LZ4 block are found. Readers see no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lz4Type {
    /// `fast`, the default.
    #[default]
    Fast,
    /// `high`.
    High(Lz4Level),
}

/// A level of LZ4's high compression: 1 to 17, 9 if none is given. In the library, here as in the
/// database, all levels from 12 up are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lz4Level(i32);

impl Lz4Level {
    /// The level as liblz4 takes it.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl Default for Lz4Level {
    fn default() -> Self {
        Self(9)
    }
}

impl TryFrom<i32> for Lz4Level {
    type Error = LevelError;

    fn try_from(level: i32) -> Result<Self, LevelError> {
        check(level, 1, 17).map(Self)
    }
}

/// A level of zstd: -131072 to 22, 3 if none is given. 0 is another name for that default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZstdLevel(i32);

impl ZstdLevel {
    /// The level if none is given.
    pub const DEFAULT: Self = Self(3);

    /// The level as libzstd takes it.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl Default for ZstdLevel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<i32> for ZstdLevel {
    type Error = LevelError;

    fn try_from(level: i32) -> Result<Self, LevelError> {
        match check(level, -(1 << 17), 22)? {
            0 => Ok(Self::DEFAULT),
            level => Ok(Self(level)),
        }
    }
}

/// A level of `AdaptiveCompressor`, 0 to 15: its own scale of zstd's levels -7 to -1 and 1 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdaptiveLevel(i32);

impl AdaptiveLevel {
    /// The number on the compressor's own scale.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The corresponding level of zstd.
    #[must_use]
    pub const fn zstd(self) -> ZstdLevel {
        if self.0 < 7 { ZstdLevel(self.0 - 7) } else { ZstdLevel(self.0 - 6) }
    }
}

impl TryFrom<i32> for AdaptiveLevel {
    type Error = LevelError;

    fn try_from(level: i32) -> Result<Self, LevelError> {
        check(level, 0, 15).map(Self)
    }
}

/// The levels between which `AdaptiveCompressor` moves: 7 to 12 if none are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AdaptiveLevels {
    /// `min_compression_level`.
    pub min: AdaptiveLevel,
    /// `max_compression_level`.
    pub max: AdaptiveLevel,
}

impl AdaptiveLevels {
    /// Takes both. Like the database, it accepts a minimum above the maximum; then the maximum
    /// counts.
    #[must_use]
    pub const fn new(min: AdaptiveLevel, max: AdaptiveLevel) -> Self {
        Self { min, max }
    }

    /// The one level that this program writes at: zstd's default (9 on the compressor's scale), or
    /// the nearest level between the two. An idle node would climb to the maximum, which costs
    /// several times as much for a few percent of space.
    #[must_use]
    pub fn chosen(self) -> ZstdLevel {
        AdaptiveLevel(9).max(self.min).min(self.max).zstd()
    }
}

impl Default for AdaptiveLevels {
    fn default() -> Self {
        Self::new(AdaptiveLevel(7), AdaptiveLevel(12))
    }
}

impl fmt::Display for Lz4Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ZstdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AdaptiveLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_s_limits_hold() {
        for (level, ok) in [(0, false), (1, true), (17, true), (18, false), (-1, false)] {
            assert_eq!(Lz4Level::try_from(level).is_ok(), ok, "lz4 {level}");
        }
        for (level, ok) in [(-131_073, false), (-131_072, true), (22, true), (23, false)] {
            assert_eq!(ZstdLevel::try_from(level).is_ok(), ok, "zstd {level}");
        }
        for (level, ok) in [(-1, false), (0, true), (15, true), (16, false)] {
            assert_eq!(AdaptiveLevel::try_from(level).is_ok(), ok, "adaptive {level}");
        }
        let range = zstd::compression_level_range();
        assert_eq!((*range.start(), *range.end()), (-131_072, 22));
        let error = Lz4Level::try_from(18).unwrap_err();
        assert_eq!(error.to_string(), "18 is not between 1 and 17");
    }

    #[test]
    fn a_default_equals_its_number() {
        assert_eq!(ZstdLevel::try_from(0), Ok(ZstdLevel::default()));
        assert_eq!(ZstdLevel::try_from(3), Ok(ZstdLevel::default()));
        assert_eq!(Lz4Level::try_from(9), Ok(Lz4Level::default()));
    }

    #[test]
    fn the_adaptive_scale_leaves_zero_out() {
        let scale: Vec<i32> =
            (0..16).map(|level| AdaptiveLevel::try_from(level).unwrap().zstd().number()).collect();
        assert_eq!(scale, [-7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_chosen_level_is_between_the_limits() {
        let level = |n| AdaptiveLevel::try_from(n).unwrap();
        let chosen = |min, max| AdaptiveLevels::new(level(min), level(max)).chosen().number();
        assert_eq!(AdaptiveLevels::default().chosen().number(), 3);
        assert_eq!((chosen(0, 15), chosen(9, 9)), (3, 3));
        assert_eq!((chosen(11, 15), chosen(0, 2)), (5, -5));
        assert_eq!(chosen(12, 5), -2, "crossed: the maximum");
    }
}
