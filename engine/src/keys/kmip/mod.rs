//! Keys on KMIP servers: turns the node's configuration into connected clients, and fetches keys
//! with them.

mod connect;
mod error;
mod passwords;
mod servers;
mod system_keys;

pub use connect::{GroupClient, connect};
pub use servers::KmipServers;
