//! Names and sockets, under a deadline.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;

use super::{Deadline, Failure, Host, Step};

/// Connects to the first address of a host that answers.
pub(super) fn connect(
    host: &Host,
    deadline: &Deadline,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut last = Failure::Resolve("the name has no address".to_owned());
    for address in resolve(host, deadline)? {
        match TcpStream::connect_timeout(&address, deadline.wait(Step::Connect)?) {
            Ok(socket) => {
                // A request is one write; waiting for more of it would only add latency.
                socket.set_nodelay(true).map_err(|e| deadline.failure(Step::Connect, e))?;
                return Ok((socket, address));
            }
            Err(error) => last = deadline.failure(Step::Connect, error),
        }
    }
    Err(last)
}

/// Resolves in a thread of its own: the system's resolver takes no deadline. The thread ends when
/// the resolver does, whether or not the caller still waits for it.
fn resolve(host: &Host, deadline: &Deadline) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = host.name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, host.port)]);
    }
    let wait = deadline.wait(Step::Resolve)?;
    let (sender, receiver) = mpsc::channel();
    let target = (host.name.clone(), host.port);
    let look_up = move || {
        let found = target.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // The caller no longer listens after the deadline.
        drop(sender.send(found));
    };
    let thread = thread::Builder::new().name("kmip-resolve".to_owned());
    if thread.spawn(look_up.clone()).is_err() {
        // Late is better than never if the system cannot start a thread.
        look_up();
    }
    match receiver.recv_timeout(wait) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(Failure::Resolve(error.to_string())),
        Err(_late) => Err(deadline.failure(Step::Resolve, io::ErrorKind::TimedOut.into())),
    }
}

/// A socket whose every wait is bounded by the deadline.
pub(super) struct Timed<'a> {
    pub(super) socket: &'a mut TcpStream,
    pub(super) deadline: &'a Deadline,
    pub(super) step: Step,
}

impl io::Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wait = self.deadline.wait(self.step).map_err(|_spent| io::ErrorKind::TimedOut)?;
        self.socket.set_read_timeout(Some(wait))?;
        io::Read::read(self.socket, buffer)
    }
}

impl io::Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let wait = self.deadline.wait(self.step).map_err(|_spent| io::ErrorKind::TimedOut)?;
        self.socket.set_write_timeout(Some(wait))?;
        io::Write::write(self.socket, buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(self.socket)
    }
}
