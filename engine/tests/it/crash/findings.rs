//! What the matrices, or reading with them in mind, have found once.
