//! Paths of key files as text: they may be of another machine.

/// The parts of a path without what changes nothing, and whether it is a whole one.
fn parts(path: &str) -> (bool, Vec<&str>) {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.trim().split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    (path.trim().starts_with('/'), parts)
}

/// Whether two paths are one, however they are spelt.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    parts(one) == parts(other)
}

/// Whether a path ends with another.
pub(super) fn ends_with(path: &str, end: &str) -> bool {
    let (whole, end) = (parts(path).1, parts(end).1);
    let end: Vec<&str> = end.into_iter().skip_while(|part| *part == "..").collect();
    !end.is_empty() && whole.ends_with(&end)
}

/// Whether two paths may be one: unless both are whole, the place that they begin at is not known.
pub(super) fn may_be_same(one: &str, other: &str) -> bool {
    let are_whole = parts(one).0 && parts(other).0;
    !are_whole && (ends_with(one, other) || ends_with(other, one))
}
