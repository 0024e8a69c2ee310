//! Keys on KMIP servers: from the node's configuration to connected clients, and from those to
//! keys.

mod connect;
mod error;
mod passwords;
mod servers;

pub use connect::{GroupClient, connect};
pub use servers::KmipServers;
