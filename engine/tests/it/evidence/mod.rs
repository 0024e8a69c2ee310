//! What a node has that may need a key: against an independent reader, and kind by kind.

mod kinds;
mod reader;
mod site;
mod whole;
