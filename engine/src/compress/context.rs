//! The working memory of the libraries.

use std::fmt;

use zstd::zstd_safe::{CCtx, DCtx};

/// Working memory that a worker keeps between chunks, whatever their codecs: setting up a library
/// for each chunk costs more than a short chunk. Each part is created when it is first needed. The
/// level may differ from chunk to chunk.
#[derive(Default)]
pub struct CodecContext {
    pub(super) deflate: Option<flate2::Compress>,
    pub(super) inflate: Option<flate2::Decompress>,
    pub(super) snappy: Option<snap::raw::Encoder>,
    pub(super) zstd_compress: Option<CCtx<'static>>,
    pub(super) zstd_decompress: Option<DCtx<'static>>,
}

impl fmt::Debug for CodecContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodecContext(..)")
    }
}
