//! Keys on KMIP servers: from the node's configuration to connected clients.

mod connect;
mod error;
mod passwords;

pub use connect::{GroupClient, connect};
