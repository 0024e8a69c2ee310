//! What is left at the end of a file that a node was writing when it died.

/// The rest of a file, which no node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torn {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Why no node reads it.
    pub why: Why,
}

/// Why no node reads the end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is too short for what begins a section or a block.
    Short,
    /// A section or a block begins there, and the file ends inside it.
    CutOff,
    /// The mark that ends a log: nothing was written there, or not to its end.
    Unwritten,
    /// A section begins there, and the file ends with it, in zeros, and it does not open: it has its
    /// length, but not all of its bytes reached the disk.
    Zeros,
}
