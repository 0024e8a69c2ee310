//! Unfriendly ways to end or fill a connection.

use std::io::{self, Read as _, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Closes with a TCP reset: the kernel sends one when a socket with linger 0 is closed.
pub(crate) fn reset(socket: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO))?;
    Ok(())
}

/// Waits until the simulator ends.
pub(crate) fn hold(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(TICK);
    }
}

/// Writes a byte at a time with a pause before each, until the peer closes.
pub(crate) fn drip(
    out: &mut impl Write,
    bytes: &[u8],
    pause: Duration,
    stop: &AtomicBool,
) -> io::Result<()> {
    for byte in bytes {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        thread::sleep(pause);
        out.write_all(std::slice::from_ref(byte))?;
        out.flush()?;
    }
    Ok(())
}

/// Announces a reply of 4 GiB, and writes until the peer closes.
pub(crate) fn flood(out: &mut impl Write, stop: &AtomicBool) -> io::Result<()> {
    out.write_all(&[0x42, 0x00, 0x7b, 0x01, 0xff, 0xff, 0xff, 0xf8])?;
    while !stop.load(Ordering::Relaxed) {
        out.write_all(&[0; 4096])?;
        out.flush()?;
    }
    Ok(())
}

/// Answers the first flight of TLS with a fatal alert.
pub(crate) fn alert(mut socket: &TcpStream, description: u8) -> io::Result<()> {
    let mut hello = [0; 4096];
    if socket.read(&mut hello)? > 0 {
        socket.write_all(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description])?;
    }
    Ok(())
}

/// Answers the first flight of TLS in plain text.
pub(crate) fn plain(mut socket: &TcpStream) -> io::Result<()> {
    let mut hello = [0; 4096];
    if socket.read(&mut hello)? > 0 {
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")?;
    }
    Ok(())
}

/// How often a waiting thread checks whether the simulator has ended.
pub(crate) const TICK: Duration = Duration::from_millis(10);
