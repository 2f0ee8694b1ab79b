//! Ports that tests listen on.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::TcpListener;

/// A port that nobody listens on. It is below the ports that the system gives to outgoing connections, so a stopped
/// server finds its port free when it starts again.
pub(crate) fn unused_port() -> u16 {
    loop {
        let random = RandomState::new().hash_one(std::process::id());
        let port = 15_000 + u16::try_from(random % 15_000).expect("less than 15,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
