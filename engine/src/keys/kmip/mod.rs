//! Keys of KMIP servers, as the node's configuration reaches them.

mod error;
mod servers;

pub use servers::{Connect, KmipServers};
