//! The trie indices of BTI SSTables, Partitions.db and Rows.db (FORMATS.md 7.7): read, and laid out
//! again for pages of another size.
//!
//! All pointers of an index are differences of addresses, and an address counts pages with their
//! unusable ends. So another cipher or key provider, whose pages have other usable bytes U, needs the
//! whole index again.
//!
//! ```text
//! source   pages, in clear or decrypted on demand            sink   pages, in clear or encrypted
//!   node     one node                                          node
//!   walk     one trie as events                                pack   events as one trie
//!   index    both files as one sequence of partitions          relay  from one to the other
//!            partitions, rows: what is beside the nodes
//! ```

mod error;
mod index;
mod node;
mod pack;
mod partitions;
mod relay;
mod rows;
mod sample;
mod sequence;
mod sink;
mod source;
mod values;
mod walk;

pub use error::TrieError;
pub use index::{Belongs, Index};
pub use node::LEAST_USABLE;
pub use relay::{LaidOut, lay_out, read_sequence};
pub use sample::Sampled;
pub use sink::Storing;
pub use source::Stored;

#[cfg(test)]
mod tests;
