//! Watches over a run: signals, and a file that an operator edits.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use rekey_engine::io::open_without_waiting;
use rekey_engine::pipeline::Control;
use rekey_engine::{Error, ErrorKind, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::Rate;
use crate::exit_code::{Code, INTERRUPTED, STOPPED};

/// Why a run was ended from outside.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// One came.
    any: Arc<AtomicBool>,
    /// A SIGINT came.
    interrupt: Arc<AtomicBool>,
}

impl Signals {
    /// From now on the first SIGINT, SIGTERM or SIGHUP ends the run at the next range, and the
    /// second one ends the process at once. An ignored SIGHUP stays ignored: that is what `nohup`
    /// is for.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system refuses the handlers.
    pub(crate) fn catch() -> Result<Self> {
        let signals = Self::default();
        let register = |signal, status| {
            // The order matters: the second signal finds the flag that the first one has set.
            let any = &signals.any;
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(any))?;
            signal_hook::flag::register(signal, Arc::clone(any))
        };
        register(SIGINT, 130)
            .and_then(|_| register(SIGTERM, 75))
            .and_then(|last| if is_ignored(SIGHUP) { Ok(last) } else { register(SIGHUP, 75) })
            .and_then(|_| signal_hook::flag::register(SIGINT, Arc::clone(&signals.interrupt)))
            .map_err(|error| Error::new(ErrorKind::Io, "cannot catch signals").caused_by(error))?;
        Ok(signals)
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// The status of a run that was ended: by the operator's key, or by anything else.
    pub(crate) fn status(&self) -> Code {
        if self.interrupt.load(Ordering::SeqCst) { INTERRUPTED } else { STOPPED }
    }
}

/// Refuses what cannot be a control file, before anything is begun. A file that does not exist yet
/// may appear.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a pipe, a device, or a directory.
pub(crate) fn check(file: Option<&Path>) -> Result<()> {
    match file.map(|file| (file, std::fs::metadata(file))) {
        Some((file, Ok(metadata))) if !metadata.is_file() => {
            Err(Error::invalid("this cannot be a control file: it is no regular file")
                .at(file)
                .hint("name a plain file, which need not be there yet"))
        }
        _ => Ok(()),
    }
}

/// Executes `run` while `signals` and `file` are watched.
pub(crate) fn over<T>(
    control: &Control,
    signals: &Signals,
    file: Option<&Path>,
    say: impl Fn(&str) + Sync,
    run: impl FnOnce() -> T,
) -> T {
    let done = AtomicBool::new(false);
    // Also where there is no thread to watch.
    control.stop_on(Arc::clone(&signals.any));
    let readings = file.map(|file| read_on(file.to_owned()));
    let is_read = readings.as_ref().is_none_or(io::Result::is_ok);
    let readings = readings.and_then(Result::ok);
    std::thread::scope(|scope| {
        let (done, say) = (&done, &say);
        let watch = move || {
            let mut last = String::new();
            let mut is_ending = false;
            while !done.load(Ordering::SeqCst) {
                if signals.came() && !is_ending {
                    is_ending = true;
                    control.stop();
                    say("ending at the next range; once more ends at once");
                }
                let reading = readings.as_ref().and_then(|readings| readings.try_recv().ok());
                if let (Some(file), Some(reading)) = (file, reading) {
                    follow(file, reading, &mut last, control, say);
                }
                std::thread::park_timeout(LOOK_AGAIN);
            }
        };
        let watching =
            std::thread::Builder::new().name("watch".to_owned()).spawn_scoped(scope, watch);
        if (watching.is_err() || !is_read)
            && let Some(file) = file
        {
            let file = file.display();
            say(&format!("{file}: the system gave no thread that looks into it; signals are seen"));
        }
        // Dropped also when the run panics, so that the scope ends.
        let _ends = Done(done);
        run()
    })
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Whether this process was started with a signal ignored, as far as the kernel reports it. If it
/// does not, the signal is left alone, too: then it ends the process, and the next run resumes.
fn is_ignored(signal: i32) -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else { return true };
    let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    match (mask, bit.and_then(|bit| 1_u64.checked_shl(bit))) {
        (Some(mask), Some(bit)) => mask & bit != 0,
        _ => true,
    }
}

/// The content of a control file; `None` if it does not exist.
type Reading = io::Result<Option<String>>;

/// Reads a file repeatedly until the receiver is gone. The run does not wait for this thread, so it
/// can end even if a file system does not answer.
fn read_on(file: PathBuf) -> io::Result<Receiver<Reading>> {
    let (say, readings) = sync_channel(1);
    let read_on = move || {
        while say.send(read(&file)).is_ok() {
            std::thread::sleep(LOOK_AGAIN);
        }
    };
    std::thread::Builder::new().name("control".to_owned()).spawn(read_on)?;
    Ok(readings)
}

fn read(file: &Path) -> Reading {
    // If it has become a pipe since, opening it would block.
    let file = match open_without_waiting(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Does what a file says, if it says something new. A missing file says nothing, and one that
/// cannot be read is reported once.
fn follow(
    file: &Path,
    reading: Reading,
    last: &mut String,
    control: &Control,
    say: &impl Fn(&str),
) {
    let text = match reading {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(error) => {
            let what = format!("cannot be read ({error}); the run continues unchanged");
            if *last != what {
                say(&format!("{}: {what}", file.display()));
                *last = what;
            }
            return;
        }
    };
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

const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Bytes of a file that are read: more than any of its words.
const LONGEST: u64 = 1024;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test plays the operator")]
mod tests {
    use super::*;

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
    fn signals_that_the_process_was_started_without_are_known() {
        // Rust ignores the one, and the other cannot be ignored.
        assert!(is_ignored(signal_hook::consts::SIGPIPE));
        assert!(!is_ignored(signal_hook::consts::SIGKILL));
        assert!(is_ignored(0), "no signal");
    }

    #[test]
    fn a_new_word_is_reported_once_and_a_wrong_one_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("control");
        let (control, said) = (Control::default(), std::sync::Mutex::new(vec![]));
        let mut last = String::new();
        let mut look = |text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let say = |line: &str| said.lock().unwrap().push(line.to_owned());
            follow(&file, read(&file), &mut last, &control, &say);
        };
        look(None);
        look(Some("pause\n"));
        look(None);
        look(Some("quit"));
        look(Some("rate 5"));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        look(None);
        look(None);
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[1].contains("write one of"), "{said:?}");
        assert!(said[3].contains("cannot be read") && said[3].contains("continues"), "{said:?}");
    }

    #[test]
    fn a_control_file_that_blocks_or_never_ends_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        for wrong in [fifo.as_path(), dir.path(), Path::new("/dev/zero")] {
            assert_eq!(check(Some(wrong)).unwrap_err().kind(), ErrorKind::Invalid);
            assert!(read(wrong).is_err(), "{}", wrong.display());
        }
        let long = dir.path().join("long");
        std::fs::File::create_new(&long).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&long).unwrap().unwrap().len() <= 1024);
        for fine in [long.as_path(), &dir.path().join("not yet")] {
            check(Some(fine)).unwrap();
        }
        check(None).unwrap();
    }
}
