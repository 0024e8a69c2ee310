//! Watches over a run: signals, a deadline, a file that an operator edits.

use std::fmt;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::civil::Time;
use jiff::{SignedDuration, ZonedDateTime};
use rekey_engine::pipeline::Control;
use rekey_engine::{Error, ErrorKind, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::exit_code::{Code, INTERRUPTED, STOPPED};

/// Why a run was ended from outside.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    /// From now on the first SIGINT or SIGTERM ends the run at the next range, and the second one
    /// the process at once.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system refuses the handlers.
    pub(crate) fn catch() -> Result<Self> {
        let signals = Self::default();
        let register = |signal, flag: &Arc<AtomicBool>, status| {
            // The order counts: the second signal finds the flag that the first one has set.
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(flag))?;
            signal_hook::flag::register(signal, Arc::clone(flag))
        };
        register(SIGINT, &signals.interrupt, 130)
            .and_then(|_| register(SIGTERM, &signals.terminate, 75))
            .map_err(|error| Error::new(ErrorKind::Io, "cannot catch signals").caused_by(error))?;
        Ok(signals)
    }

    fn came(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst) || self.terminate.load(Ordering::SeqCst)
    }

    /// The status of a run that was ended: by the operator's key, or by anything else.
    pub(crate) fn status(&self) -> Code {
        if self.interrupt.load(Ordering::SeqCst) { INTERRUPTED } else { STOPPED }
    }
}

/// Carries `run` out while `signals` and `file` are looked at.
pub(crate) fn over<T>(
    control: &Control,
    signals: &Signals,
    file: Option<&Path>,
    say: impl Fn(&str) + Sync,
    run: impl FnOnce() -> T,
) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = String::new();
            let mut is_ending = false;
            while !done.load(Ordering::SeqCst) {
                if signals.came() && !is_ending {
                    is_ending = true;
                    control.stop();
                    say("ending at the next range; once more ends at once");
                }
                if let Some(file) = file {
                    look_into(file, &mut last, control, &say);
                }
                std::thread::park_timeout(LOOK_AGAIN);
            }
        });
        // Dropped also when the run panics, so that the scope ends.
        let _ends = Done(&done);
        run()
    })
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Does what a file says, if it says something new; a file that is not there says nothing.
fn look_into(file: &Path, last: &mut String, control: &Control, say: &impl Fn(&str)) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let text = text.trim();
    if text == last {
        return;
    }
    text.clone_into(last);
    match text.parse() {
        Ok(Wish::Go) => control.pause(false),
        Ok(Wish::Pause) => control.pause(true),
        Ok(Wish::Stop) => control.stop(),
        Ok(Wish::Rate(rate)) => {
            control.limit(rate.bytes());
            control.pause(false);
        }
        Err(error) => {
            say(&format!("{}: {error}", file.display()));
            return;
        }
    }
    say(&format!("{}: {text}", file.display()));
}

/// What the control file may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Go,
    Pause,
    Stop,
    Rate(Rate),
}

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("go"), None, None) => Ok(Self::Go),
            (Some("pause"), None, None) => Ok(Self::Pause),
            (Some("stop"), None, None) => Ok(Self::Stop),
            (Some("rate"), Some(rate), None) => rate.parse().map(Self::Rate),
            _ => Err("write one of: go, pause, stop, rate MIB (0 for no limit)".to_owned()),
        }
    }
}

/// MiB in a second; 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(u64);

impl Rate {
    /// Bytes in a second; none for no limit.
    pub(crate) fn bytes(self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.0.saturating_mul(1 << 20))
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_not_a_number| format!("'{text}' is no number of MiB"))
    }
}

/// When a run has to be over: `05:00`, the next such time on this machine's clock, or `3h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    At(Time),
    In(Duration),
}

impl Deadline {
    /// Time from now.
    pub(crate) fn left(self, now: &ZonedDateTime) -> Duration {
        let time = match self {
            Self::In(duration) => return duration,
            Self::At(time) => time,
        };
        let today = now.datetime().date().to_datetime(time);
        let next = if today > now.datetime() { Some(today) } else { today.tomorrow().ok() };
        next.and_then(|next| next.to_zoned_datetime(now.time_zone().clone()).ok())
            .and_then(|next| Duration::try_from(now.duration_until(&next)).ok())
            .unwrap_or_default()
    }
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Time>() {
            return Ok(Self::At(time));
        }
        text.parse::<SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .filter(|duration| !duration.is_zero())
            .map(Self::In)
            .ok_or_else(|| format!("'{text}' is neither a time (05:00) nor a duration (3h, 90m)"))
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::In(duration) => write!(f, "{duration:?}"),
        }
    }
}

/// How a run may be ended before its time, or slowed down.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WatchArgs {
    /// End by then: 05:00 (the next one on this machine's clock), or 3h, 90m from now. SSTables that
    /// would not be done are not begun
    #[arg(long, value_name = "TIME")]
    deadline: Option<Deadline>,

    /// Take so many SSTables at most
    #[arg(long, value_name = "N")]
    stop_after: Option<u64>,

    /// Read and write so many MiB a second at most
    #[arg(long, value_name = "MIB")]
    rate: Option<Rate>,

    /// A file to steer the run with while it works: write go, pause, stop, or rate MIB into it
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,
}

impl WatchArgs {
    /// What they ask of a run from its beginning.
    pub(crate) fn control(&self) -> Arc<Control> {
        let control = Control::default();
        if let Some(deadline) = self.deadline {
            control.end_by(Instant::now() + deadline.left(&ZonedDateTime::now()));
        }
        if let Some(sstables) = self.stop_after {
            control.at_most(sstables);
        }
        control.limit(self.rate.and_then(Rate::bytes));
        Arc::new(control)
    }

    /// The file to look into.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.control.as_deref()
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test plays the operator")]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_next_such_time_or_a_while() {
        let now = jiff::civil::date(2026, 3, 1).at(4, 30, 0, 0);
        let now = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap();
        let left = |text: &str| text.parse::<Deadline>().unwrap().left(&now).as_secs();
        assert_eq!(left("05:00"), 30 * 60);
        assert_eq!(left("04:30"), 24 * 3600, "that one is over");
        assert_eq!(left("04:00"), 24 * 3600 - 30 * 60);
        assert_eq!(left("3h"), 3 * 3600);
        assert_eq!(left("90m"), 90 * 60);
        for wrong in ["", "25:00", "soon", "-3h", "0s", "5"] {
            assert!(wrong.parse::<Deadline>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_control_file_has_few_words() {
        assert_eq!("pause".parse(), Ok(Wish::Pause));
        assert_eq!("go".parse(), Ok(Wish::Go));
        assert_eq!("stop".parse(), Ok(Wish::Stop));
        assert_eq!("rate 200".parse(), Ok(Wish::Rate(Rate(200))));
        for wrong in ["", "rate", "rate x", "pause now", "quit"] {
            assert!(wrong.parse::<Wish>().is_err(), "{wrong}");
        }
        assert_eq!(Rate(0).bytes(), None);
        assert_eq!(Rate(3).bytes().unwrap().get(), 3 << 20);
    }

    #[test]
    fn a_new_word_is_said_once_and_a_wrong_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("control");
        let (control, said) = (Control::default(), std::sync::Mutex::new(vec![]));
        let mut last = String::new();
        let mut look = |text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let say = |line: &str| said.lock().unwrap().push(line.to_owned());
            look_into(&file, &mut last, &control, &say);
        };
        look(None);
        look(Some("pause\n"));
        look(None);
        look(Some("quit"));
        look(Some("rate 5"));
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[1].contains("write one of"), "{said:?}");
    }
}
