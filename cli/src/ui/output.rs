//! Standard output and standard error: the only place that writes there, and the outcome of
//! writing.
//!
//! The reader may be gone: a pipe was closed. That is not a reason to end a run in the middle, nor
//! to complain. A full disk is not a reason to end it either, but then the output is incomplete,
//! and [`lost`] says so at the end.
//!
//! Characters that a terminal might interpret are escaped: names of files and keys, and texts of
//! servers and configurations, may come from anyone.

use std::borrow::Cow;
use std::io::{self, stderr, stdout};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekey_engine::error::escape;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde_json::Value;

use super::paint::{To, paint};

static OUT: Mutex<Stream> = Mutex::new(Stream::new());
static ERR: Mutex<Stream> = Mutex::new(Stream::new());
/// The last line of a command that prints JSON; it waits until all others are printed.
static SUMMARY: Mutex<Option<Value>> = Mutex::new(None);

/// Prints a part of the result.
pub(super) fn out(text: &str) {
    lock(&OUT).write(shown(text, To::Out).as_bytes(), |bytes| write(stdout(), bytes));
}

/// Prints a file of this program's own, as it is: tabs are a part of it.
pub(super) fn raw(bytes: &[u8]) {
    lock(&OUT).write(bytes, |bytes| write(stdout(), bytes));
}

/// Prints remarks. If they cannot be written, there is no one to tell.
pub(super) fn err(text: &str) {
    lock(&ERR).write(shown(text, To::Err).as_bytes(), |bytes| write(stderr(), bytes));
}

/// Harmless text, in colours where they are shown.
pub(super) fn shown(text: &str, to: To) -> String {
    paint(&plain(text), to).into_owned()
}

/// Text without anything that a terminal might interpret, except line ends.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    // Nearly all text is already safe.
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            plain.push('\n');
        }
        let _text_takes_all = escape(&mut plain, line);
    }
    Cow::Owned(plain)
}

/// Keeps a summary until the end, in place of an earlier one.
pub(super) fn keep_summary(summary: Value) {
    *lock(&SUMMARY) = Some(summary);
}

/// The summary that was kept.
pub(super) fn take_summary() -> Option<Value> {
    lock(&SUMMARY).take()
}

/// Records that another writer could not write to standard output.
pub(super) fn note_failure(error: io::Error) {
    lock(&OUT).fail(error);
}

/// Why a part of the result is lost, if one is.
pub(super) fn lost() -> Option<io::Error> {
    lock(&OUT).lost.take()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Not through the standard library's buffer: what it keeps after a failure is written later, and
/// what remains in it at the end is lost silently.
fn write(to: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(&to, bytes) {
            Err(Errno::INTR) => {}
            // Another process that shares this pipe made it non-blocking: it is full, which is not
            // an error.
            Err(Errno::AGAIN) => {
                let _woken = poll(&mut [PollFd::new(&to, PollFlags::OUT)], None);
            }
            done => return Ok(done?),
        }
    }
}

/// The state of one of the two.
#[derive(Debug)]
struct Stream {
    /// It has no reader any more.
    is_closed: bool,
    /// The first failure.
    lost: Option<io::Error>,
    /// The last write ended in the middle of a line.
    is_torn: bool,
}

impl Stream {
    const fn new() -> Self {
        Self { is_closed: false, lost: None, is_torn: false }
    }

    /// Writes all of it, unless that fails. After a failure the next text is tried nevertheless: a
    /// disk may have space again.
    fn write(&mut self, text: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
        // What follows half a line starts on a new line.
        let parts = [if self.is_torn { b"\n".as_slice() } else { b"" }, text];
        for mut rest in parts {
            while !rest.is_empty() && !self.is_closed {
                match write(rest) {
                    Ok(0) => return self.fail(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        rest = rest.get(count..).unwrap_or_default();
                        self.is_torn = !rest.is_empty();
                    }
                    Err(error) => return self.fail(error),
                }
            }
        }
    }

    fn fail(&mut self, error: io::Error) {
        match error.kind() {
            io::ErrorKind::BrokenPipe => self.is_closed = true,
            _ => {
                self.lost.get_or_insert(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes this many bytes at a time, and fails once with an errno.
    struct Disk {
        written: Vec<u8>,
        at_once: usize,
        fails_at: usize,
        with: Errno,
    }

    impl Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.written.len() == self.fails_at {
                self.fails_at = usize::MAX;
                return Err(self.with.into());
            }
            let count = bytes.len().min(self.at_once);
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
    }

    fn written(fails_at: usize, with: Errno) -> (Stream, String) {
        let (mut stream, mut disk) =
            (Stream::new(), Disk { written: vec![], at_once: 2, fails_at, with });
        for line in ["first\n", "second\n", "third\n"] {
            stream.write(line.as_bytes(), |bytes| disk.write(bytes));
        }
        (stream, String::from_utf8(disk.written).unwrap())
    }

    #[test]
    fn what_a_terminal_would_interpret_is_escaped() {
        assert_eq!(plain("├ é\n\u{1b}[2J\t\n"), "├ é\n\\u{1b}[2J\\u{9}\n");
        assert!(matches!(plain("as it is\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn short_writes_are_continued() {
        let (stream, text) = written(usize::MAX, Errno::IO);
        assert_eq!(text, "first\nsecond\nthird\n");
        assert!(stream.lost.is_none() && !stream.is_closed);
    }

    #[test]
    fn half_a_line_is_lost_and_the_next_one_starts_a_new_line() {
        for errno in [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::BADF] {
            let (stream, text) = written(10, errno);
            assert_eq!(text, "first\nseco\nthird\n");
            assert_eq!(stream.lost.unwrap().raw_os_error(), Some(errno.raw_os_error()));
            let (stream, text) = written(6, errno);
            assert_eq!(text, "first\nthird\n", "no part of the second line");
            assert!(stream.lost.is_some());
        }
    }

    #[test]
    fn a_closed_pipe_loses_nothing() {
        let (stream, text) = written(6, Errno::PIPE);
        assert_eq!(text, "first\n");
        assert!(stream.is_closed && stream.lost.is_none());
    }
}
