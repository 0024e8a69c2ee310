use super::*;
use crate::io::{LocalStorage, Storage as _};
use crate::trie::sink::Storing;

/// A path of so many nodes, each with 100 branches of 30 nodes before the next one. Returns the most
/// nodes that were kept, and the bytes of the file.
fn comb(limit: usize, depth: u64) -> Result<(usize, u64)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let file = LocalStorage.create(&path).unwrap();
    let mut out = PageSink::new(&*file, Storing::CLEAR).unwrap();
    let mut packer = Packer { limit, step: limit, ..Packer::new() };
    let mut kept = 0;
    for _ in 0..depth {
        for branch in 0..100 {
            packer.down(branch);
            (0..29).for_each(|_| packer.down(0));
            packer.payload(8, &[1, 2]).unwrap();
            (0..30).try_for_each(|_| packer.up(&mut out))?;
            kept = kept.max(packer.branches.len());
        }
        packer.down(200);
    }
    packer.payload(8, &[1, 2]).unwrap();
    (0..depth).try_for_each(|_| packer.up(&mut out))?;
    packer.finish(&mut out)?;
    assert_eq!(packer.branches.len(), 0);
    out.finish()?;
    Ok((kept, std::fs::metadata(&path).unwrap().len()))
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let (all, late) = comb(1 << 20, 30).unwrap();
    let (few, early) = comb(2000, 30).unwrap();
    assert!(all > 90_000 && few < 8000, "{all} {few}");
    // Fuller pages may be had either way.
    assert!(early.abs_diff(late) < late / 4, "{early} {late}");
    let error = comb(100, 30).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn events_that_do_not_fit_together_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = LocalStorage.create(&dir.path().join("f")).unwrap();
    let mut out = PageSink::new(&*file, Storing::CLEAR).unwrap();
    let mut packer = Packer::new();
    packer.down(1);
    assert!(packer.finish(&mut out).is_err());
    packer.payload(8, &[1; 19]).unwrap();
    assert!(packer.payload(8, &[1; 20]).is_err());
    packer.up(&mut out).unwrap();
    assert!(packer.up(&mut out).is_ok(), "the root");
    assert!(packer.up(&mut out).is_err());
    assert!(PageSink::new(&*file, Storing::Clear { usable: 2069 }).is_err());
    assert!(PageSink::new(&*file, Storing::Clear { usable: 4097 }).is_err());
}
