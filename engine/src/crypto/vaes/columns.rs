//! Heads of lanes as columns of blocks, four to a bundle, and the rows across them.

use std::cell::Cell;

use crate::crypto::feed::Head;
use crate::crypto::{BLOCK, Block};

/// A lane's blocks. Cells, because all places without a lane share one column.
pub(super) type Column<'a> = &'a [Cell<Block>];

/// One block of each of four lanes.
pub(super) type Quad<'a> = [&'a Cell<Block>; 4];

/// Blocks that the places without a lane share. They are written to, and their content is never
/// used.
const SPARE: usize = 256;

/// What the places without a lane share.
pub(super) const fn spare() -> [Block; SPARE] {
    [[0; BLOCK]; SPARE]
}

/// Lets `rows` encrypt heads of one length, at most four for each of `QUADS`: all of their columns,
/// or as much of them as the spare column is long. It updates the chain values.
#[inline]
pub(super) fn in_quads<const QUADS: usize>(
    heads: &mut [Head<'_, BLOCK>],
    spare: Column<'_>,
    mut rows: impl FnMut(&mut [[Block; 4]; QUADS], &[[Column<'_>; 4]; QUADS]),
) {
    let mut chains = [[[0; BLOCK]; 4]; QUADS];
    let mut rests: [[Column<'_>; 4]; QUADS] = [[&[]; 4]; QUADS];
    let used = heads.len();
    let full = used == rests.as_flattened().len();
    let places = chains.as_flattened_mut().iter_mut().zip(rests.as_flattened_mut());
    for (head, (chain, rest)) in heads.iter_mut().zip(places) {
        *chain = head.chain;
        *rest = Cell::from_mut(&mut *head.blocks).as_slice_of_cells();
    }

    let mut left = rests.as_flattened().first().map_or(0, |rest| rest.len());
    while left > 0 {
        let count = if full { left } else { left.min(spare.len()) };
        left -= count;
        let mut columns = [[spare.get(..count).unwrap_or_default(); 4]; QUADS];
        let places = columns.as_flattened_mut().iter_mut().zip(rests.as_flattened_mut());
        for (column, rest) in places.take(used) {
            (*column, *rest) = rest.split_at(count);
        }
        rows(&mut chains, &columns);
    }

    for (head, chain) in heads.iter_mut().zip(chains.as_flattened()) {
        head.chain = *chain;
    }
}

// The zipped iterators have one counter and no bounds checks.

#[inline(always)]
pub(super) fn four<'a>([a, b, c, d]: [[Column<'a>; 4]; 4]) -> impl Iterator<Item = [Quad<'a>; 4]> {
    let row = quads(a).zip(quads(b)).zip(quads(c)).zip(quads(d));
    row.map(|(((a, b), c), d)| [a, b, c, d])
}

#[inline(always)]
pub(super) fn six<'a>(
    [a, b, c, d, e, f]: [[Column<'a>; 4]; 6],
) -> impl Iterator<Item = [Quad<'a>; 6]> {
    let row = four([a, b, c, d]).zip(quads(e)).zip(quads(f));
    row.map(|(([a, b, c, d], e), f)| [a, b, c, d, e, f])
}

#[inline(always)]
pub(super) fn eight<'a>(
    [a, b, c, d, e, f, g, h]: [[Column<'a>; 4]; 8],
) -> impl Iterator<Item = [Quad<'a>; 8]> {
    let row = six([a, b, c, d, e, f]).zip(quads(g)).zip(quads(h));
    row.map(|(([a, b, c, d, e, f], g), h)| [a, b, c, d, e, f, g, h])
}

#[inline(always)]
fn quads<'a>([a, b, c, d]: [Column<'a>; 4]) -> impl Iterator<Item = Quad<'a>> {
    a.iter().zip(b).zip(c).zip(d).map(|(((a, b), c), d)| [a, b, c, d])
}
