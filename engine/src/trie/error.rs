//! What can be wrong with a trie index.

use crate::Error;

/// What is wrong with Partitions.db or Rows.db. Nothing of their content is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrieError {
    /// A node is cut by the end of its page, or lies beyond it.
    #[error("a node of its trie is not within its page")]
    NodeCut,
    /// A node without children has no payload.
    #[error("a leaf of its trie has no payload")]
    EmptyLeaf,
    /// A node would be its own child.
    #[error("a node of its trie is said to be its own child")]
    NoDistance,
    /// The characters of a node are not in order.
    #[error("the characters of a node of its trie do not rise")]
    CharactersNotRising,
    /// A dense node ends beyond the last character.
    #[error("a node of its trie goes on after the last character")]
    SpanTooWide,
    /// The first or last place of a dense node is empty.
    #[error("a node of its trie begins or ends with an empty place")]
    DenseEnds,
    /// A child lies before the part of the file that it belongs to.
    #[error("a node of its trie points out of the file, or into what is before its trie")]
    OutOfTrie,
    /// A child overlaps its parent.
    #[error("a node of its trie overlaps another one")]
    Overlap,
    /// More nodes than fit: some are reached twice.
    #[error("the nodes of its trie take more than there is: some are reached twice")]
    TooManyNodes,
    /// Deeper than a key can be long.
    #[error("its trie is deeper than any key is long")]
    TooDeep,
    /// A row's payload has no offset.
    #[error("a payload of its trie has no position")]
    NoPosition,
    /// A stream ends before it is whole.
    #[error("its {0} is not within the file")]
    Outside(&'static str),
    /// The footer's values are impossible.
    #[error("its footer is not that of an index")]
    Footer,
    /// Another number of keys than the footer says.
    #[error("it has {found} keys, and its footer says {expected}")]
    Count {
        /// Keys in the trie.
        found: u64,
        /// Keys by the footer.
        expected: u64,
    },
    /// Partitions are not in the order of Data.db.
    #[error("its positions in Data.db do not rise from key to key")]
    PositionsNotRising,
    /// A position beyond the end of Data.db.
    #[error("it points past the end of Data.db")]
    PastData,
    /// Entries in Rows.db are not in the order of the keys.
    #[error("its positions in Rows.db do not rise from key to key")]
    EntriesNotRising,
    /// The root of a row trie is not between the entry before and its own.
    #[error("the root of its row trie is not between the entry before and its own")]
    RowRoot,
    /// Blocks are not in their order.
    #[error("the offsets of its blocks do not rise")]
    BlocksNotRising,
    /// Another number of blocks than the entry says.
    #[error("its row trie has {found} blocks, and its entry says {expected}")]
    Blocks {
        /// Blocks in the trie.
        found: u64,
        /// Blocks by the entry.
        expected: u64,
    },
    /// The rows of a partition do not end where the next one begins.
    #[error("the rows of a partition do not end where the next one begins")]
    Gap,
    /// A deletion that no writer writes.
    #[error("its partition's time of deletion is none")]
    Deletion,
}

impl From<TrieError> for Error {
    fn from(error: TrieError) -> Self {
        Self::corrupt(error.to_string())
            .hint("restore the index from a backup, or scrub the SSTable on the node")
    }
}
