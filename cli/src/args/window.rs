//! How long a maintenance window is.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// How long a maintenance window is: `3h`, `1h30m`, `90m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window(pub(crate) Duration);

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let duration = text.parse::<SignedDuration>().ok();
        duration
            .and_then(|duration| Duration::try_from(duration).ok())
            .filter(|duration| !duration.is_zero())
            .map(Self)
            .ok_or_else(|| format!("'{text}' is no length of time (3h, 1h30m, 90m)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_length_of_time() {
        let seconds = |text: &str| text.parse::<Window>().map(|window| window.0.as_secs());
        assert_eq!(seconds("3h"), Ok(3 * 3600));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("90m"), Ok(5400));
        for wrong in ["", "0s", "-3h", "05:00", "3", "soon"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
