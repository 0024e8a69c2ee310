//! Every bad input gives an error that names the file, the component, the chunk and the hint. Every
//! old SSTable is unchanged, and the others of the table are rewritten.

mod components;
mod data;
mod indices;
mod info;
mod keys;
mod kmip;
mod leftovers;
mod logs;
mod places;
mod shapes;
mod storage;
