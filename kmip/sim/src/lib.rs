//! A loopback KMIP server in memory.

#![forbid(unsafe_code)]
