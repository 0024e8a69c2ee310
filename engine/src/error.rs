//! The engine's one public error: a coarse kind that tells an operator what to do, the place
//! where it happened as typed fields, a hint, and the cause.
//!
//! Lower modules keep their own small enums where code needs the detail; at the engine's boundary
//! everything becomes an [`Error`]. It must never contain secrets: no key bytes, no plaintext, no
//! passwords.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shorthand used throughout the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an operator has to do about an error. Each kind maps to one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument, an option map or a configuration is wrong: fix it.
    Invalid,
    /// The input is sound but this release does not handle it.
    Unsupported,
    /// A key is unavailable: restore the key or its server, then run again.
    KeyUnavailable,
    /// A file is damaged: scrub or restore that SSTable; the others continue.
    Corrupt,
    /// A node or another run holds the data: stop it first.
    Busy,
    /// A file system is full.
    NoSpace,
    /// The operating system refused an operation: fix disk or permissions, then run again.
    Io,
    /// What was read back differs from what was read first.
    Mismatch,
    /// The run was asked to stop; running again resumes it.
    Interrupted,
    /// A bug in this program.
    Internal,
}

impl ErrorKind {
    /// The kind's stable name in JSON reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::KeyUnavailable => "key_unavailable",
            Self::Corrupt => "corrupt",
            Self::Busy => "busy",
            Self::NoSpace => "no_space",
            Self::Io => "io",
            Self::Mismatch => "mismatch",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// An error with its place and its hint. Cloning is cheap: one cause may concern many SSTables.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    what: Cow<'static, str>,
    path: Option<PathBuf>,
    chunk: Option<u64>,
    offset: Option<u64>,
    key: Option<String>,
    hint: Option<Cow<'static, str>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error; `what` is a lower-case fragment without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            what: what.into(),
            path: None,
            chunk: None,
            offset: None,
            key: None,
            hint: None,
            source: None,
        }))
    }

    /// A failed operation of the operating system on a file.
    #[must_use]
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
            _ => ErrorKind::Io,
        };
        let is_limit = source.kind() == io::ErrorKind::FileTooLarge;
        let error = Self::new(kind, action).at(path).caused_by(source);
        match kind {
            ErrorKind::NoSpace => error.hint(
                "free space on that file system, then run the same command again: \
                 the SSTables swapped so far are skipped",
            ),
            _ if is_limit => error.hint(
                "lift the limit of a file's size (ulimit -f, LimitFSIZE= of a unit), then run again",
            ),
            _ => error.hint("check the disk and the permissions, then run again"),
        }
    }

    /// Shorthand for [`ErrorKind::Invalid`].
    #[must_use]
    pub fn invalid(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, what)
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    #[must_use]
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, what)
    }

    /// Shorthand for [`ErrorKind::Corrupt`].
    #[must_use]
    pub fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Corrupt, what)
    }

    /// Shorthand for [`ErrorKind::KeyUnavailable`].
    #[must_use]
    pub fn key_unavailable(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::KeyUnavailable, what)
    }

    /// Names the file, unless a deeper caller already did.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.inner().path.get_or_insert_with(|| path.into());
        self
    }

    /// Names the chunk (counted from 0).
    #[must_use]
    pub fn chunk(mut self, index: u64) -> Self {
        self.inner().chunk = Some(index);
        self
    }

    /// Names the byte offset in the file.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.inner().offset = Some(offset);
        self
    }

    /// Names the key by its id or its file; never by its bytes.
    #[must_use]
    pub fn key(mut self, key: impl fmt::Display) -> Self {
        self.inner().key = Some(key.to_string());
        self
    }

    /// Says what the operator can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.inner().hint = Some(hint.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.inner().source = Some(Arc::from(source.into()));
        self
    }

    /// Keeps the cause, and takes over its hint, if it has one.
    #[must_use]
    pub fn wrapping(mut self, cause: Self) -> Self {
        if let Some(hint) = &cause.0.hint {
            self = self.hint(hint.clone());
        }
        self.caused_by(cause)
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// What an operator has to do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The chunk, counted from 0.
    #[must_use]
    pub fn chunk_index(&self) -> Option<u64> {
        self.0.chunk
    }

    /// The hint to print after the error.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What happened, without the place: equal for errors with the same cause.
    #[must_use]
    pub fn fact(&self) -> String {
        let inner = &self.0;
        let key = inner.key.as_deref().unwrap_or_default();
        self.with_causes(format!("{} {key}", inner.what))
    }

    /// The byte offset in the file.
    #[must_use]
    pub fn byte_offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The key, by its name.
    #[must_use]
    pub fn key_name(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The whole error on one line: place, fact and causes.
    #[must_use]
    pub fn chain(&self) -> String {
        self.with_causes(self.to_string())
    }

    fn with_causes(&self, mut text: String) -> String {
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            let _text_takes_all = escape(&mut text, &cause.to_string());
            source = cause.source();
        }
        text
    }
}

/// Writes text with everything that a terminal might interpret (control, format and unassigned
/// characters) as `\u{..}`. Text that is already escaped is unchanged.
///
/// # Errors
/// The writer's error.
pub fn escape(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    for c in text.chars() {
        // `escape_debug` knows which characters are printable; it also escapes these three, which
        // are.
        if matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1 {
            f.write_char(c)?;
        } else {
            write!(f, "{}", c.escape_unicode())?;
        }
    }
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(path) = &inner.path {
            // A file name may contain anything, including what would disturb a terminal; so may all
            // other text from files and servers.
            escape(f, &path.display().to_string())?;
            f.write_str(": ")?;
        }
        match (inner.chunk, inner.offset) {
            (Some(chunk), Some(offset)) => write!(f, "chunk {chunk} at byte {offset}: ")?,
            (Some(chunk), None) => write!(f, "chunk {chunk}: ")?,
            (None, Some(offset)) => write!(f, "byte {offset}: ")?,
            (None, None) => {}
        }
        escape(f, &inner.what)?;
        if let Some(key) = &inner.key {
            f.write_str(" (key ")?;
            escape(f, key)?;
            f.write_char(')')?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.chain())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Adds the place to an error from below.
pub trait ResultExt<T> {
    /// Names the file, unless a deeper caller already did.
    ///
    /// # Errors
    /// Passes the error on, with the path.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: Into<Error>> ResultExt<T> for std::result::Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| error.into().at(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_place_fact_and_cause_on_one_line() {
        let error = Error::corrupt("the CRC does not match")
            .at("/d/nb-1-big-Data.db")
            .chunk(7)
            .offset(4096)
            .caused_by(io::Error::other("inner"));
        assert_eq!(
            error.chain(),
            "/d/nb-1-big-Data.db: chunk 7 at byte 4096: the CRC does not match: inner"
        );
    }

    #[test]
    fn nothing_in_an_error_reaches_a_terminal_unescaped() {
        let error = Error::corrupt("foreign \u{1b}[2J")
            .at("/d/\n\u{9b}31m'\"\\")
            .key("\u{202e}k")
            .caused_by(io::Error::other("\u{7}\r\u{1b}c"));
        assert_eq!(
            error.chain(),
            "/d/\\u{a}\\u{9b}31m'\"\\: foreign \\u{1b}[2J (key \\u{202e}k): \\u{7}\\u{d}\\u{1b}c"
        );
        assert_eq!(Error::invalid(error.chain()).to_string(), error.chain(), "and not twice");
    }

    #[test]
    fn a_full_disk_has_its_own_kind() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Error::io("cannot write", "/d/f", full).kind(), ErrorKind::NoSpace);
        let other = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(Error::io("cannot write", "/d/f", other).kind(), ErrorKind::Io);
    }

    #[test]
    fn a_cause_brings_its_own_hint_if_it_has_any() {
        let own = || Error::invalid("outer").hint("do that");
        let error = own().wrapping(Error::corrupt("inner").hint("do this"));
        assert_eq!((error.chain().as_str(), error.hint_text()), ("outer: inner", Some("do this")));
        assert_eq!(own().wrapping(Error::corrupt("inner")).hint_text(), Some("do that"));
    }

    #[test]
    fn the_deepest_path_wins() {
        let error = Error::corrupt("x").at("/deep").at("/shallow");
        assert_eq!(error.path(), Some(Path::new("/deep")));
    }
}
