//! One connection: requests in, answers out, faults in between.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rekey_kmip::message::{
    BatchErrorContinuation, MessageError, Operation, ProtocolVersion, Refusal, Reply, ReplyItem,
    ReplyMessage, Request, RequestMessage, ResultReason,
};
use rekey_kmip::ttlv::MAX_MESSAGE;
use rustls::{ServerConnection, StreamOwned};

use crate::script::{Door, Fault, Quirk};
use crate::shared::Shared;
use crate::store::refuse;
use crate::{ends, lock};

/// Serves a connection until its end.
pub(crate) fn serve(socket: TcpStream, shared: &Shared) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(Duration::from_secs(5)))?;
    match shared.door {
        Door::Open => {}
        Door::Slammed => return Ok(()),
        Door::Silent => {
            ends::hold(&shared.stop);
            return Ok(());
        }
        Door::PlainText => return ends::plain(&socket),
        Door::Alert(description) => return ends::alert(&socket, description),
    }
    socket.set_read_timeout(Some(ends::TICK))?;
    let tls = ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, socket);
    loop {
        match receive(&mut stream, shared) {
            Ok(Some(message)) => {
                if !answer(&mut stream, &message, shared)? {
                    stream.conn.send_close_notify();
                    return stream.flush();
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                if shared.drains {
                    drain(&mut stream.sock);
                }
                return Err(error);
            }
        }
    }
}

/// Reads what the peer still sends before closing: closing with unread data would be a reset,
/// and could overtake the TLS alert that says why.
fn drain(socket: &mut TcpStream) {
    drop(socket.shutdown(Shutdown::Write));
    let until = Instant::now() + Duration::from_millis(500);
    let mut chunk = [0; 4096];
    while Instant::now() < until {
        match socket.read(&mut chunk) {
            Ok(0) => break,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
}

type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// Receives one message; `None` when the peer has closed or the simulator ends.
fn receive(stream: &mut TlsStream, shared: &Shared) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(received) => bytes.extend_from_slice(chunk.get(..received).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if shared.stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                continue;
            }
            Err(error) => return Err(error),
        }
        if let Some((_tag, rest)) = bytes.split_first_chunk::<4>()
            && let Some((length, body)) = rest.split_first_chunk::<4>()
        {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if length > MAX_MESSAGE {
                return Err(io::Error::other("the request is too long"));
            }
            if body.len() >= length {
                return Ok(Some(bytes));
            }
        }
    }
}

/// Answers one message; false ends the connection.
fn answer(stream: &mut TlsStream, message: &[u8], shared: &Shared) -> io::Result<bool> {
    let request = match RequestMessage::decode(message) {
        Ok(request) => request,
        Err(error) => {
            let reason = match error {
                MessageError::UnknownOperation(_) => ResultReason::OPERATION_NOT_SUPPORTED,
                _ => ResultReason::INVALID_MESSAGE,
            };
            send(stream, &whole(ProtocolVersion::V1_0, refuse(reason, &error.to_string())))?;
            return Ok(true);
        }
    };
    for item in &request.items {
        *lock(&shared.counts).entry(item.request.operation()).or_default() += 1;
    }
    if request.items.len() > 1 && shared.store.has_quirk(Quirk::HangsUpAtBatches) {
        return Ok(false);
    }
    let fault = request.items.first().and_then(|item| shared.fault(item.request.operation()));
    match &fault {
        Some(Fault::CloseBeforeReply) => return Ok(false),
        Some(Fault::Silent) => {
            ends::hold(&shared.stop);
            return Ok(false);
        }
        Some(Fault::Oversize) => {
            ends::flood(stream, &shared.stop)?;
            return Ok(false);
        }
        Some(Fault::Raw(bytes)) => {
            stream.write_all(bytes)?;
            stream.flush()?;
            return Ok(true);
        }
        _ => {}
    }
    let mut reply = shared.reply(request, fault.as_ref());
    spoil(&mut reply, fault.as_ref());
    let bytes = reply.encode().map_err(io::Error::other)?;
    deliver(stream, bytes.as_slice(), fault, shared)
}

/// Changes the answers as a fault wants them.
fn spoil(reply: &mut ReplyMessage, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongBatchId) => {
            for item in &mut reply.items {
                item.batch_id = Some(vec![0xff; 4]);
            }
        }
        Some(Fault::ShorterBatch) => reply.items.truncate(1),
        Some(Fault::EmptyReply) => reply.items.clear(),
        Some(Fault::WrongOperation) => {
            for item in &mut reply.items {
                item.operation = Some(Operation::ARCHIVE);
                item.result = Ok(Reply::Other(Operation::ARCHIVE));
            }
        }
        _ => {}
    }
}

/// Sends the reply as a fault wants it sent.
fn deliver(
    stream: &mut TlsStream,
    bytes: &[u8],
    fault: Option<Fault>,
    shared: &Shared,
) -> io::Result<bool> {
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    match fault {
        Some(Fault::Slow(delay)) => thread::sleep(delay),
        Some(Fault::DripFed(pause)) => {
            ends::drip(stream, bytes, pause, &shared.stop)?;
            return Ok(true);
        }
        Some(Fault::DoneButNoReply) => return Ok(false),
        Some(Fault::CloseMidReply) => {
            stream.write_all(half)?;
            return Ok(false);
        }
        Some(Fault::ResetMidReply) => {
            stream.write_all(half)?;
            stream.flush()?;
            thread::sleep(Duration::from_millis(50));
            ends::reset(&stream.sock)?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Fault::TrailingBytes) => {
            let mut longer = bytes.to_vec();
            longer.extend([0; 8]);
            stream.write_all(&longer)?;
            stream.flush()?;
            return Ok(true);
        }
        _ => {}
    }
    stream.write_all(bytes)?;
    stream.flush()?;
    Ok(fault != Some(Fault::CloseAfterReply))
}

impl Shared {
    fn reply(&self, request: RequestMessage, fault: Option<&Fault>) -> ReplyMessage {
        let version = request.version;
        if let Some(Fault::Refuse(reason, text)) = fault {
            return whole(version, refuse(ResultReason::from_number(*reason), text));
        }
        let asks_for_versions = request
            .items
            .iter()
            .all(|item| item.request.operation() == Operation::DISCOVER_VERSIONS);
        let offers_discovery = self.versions.iter().any(|version| version.has_discovery());
        let speaks = self.versions.contains(&version) || asks_for_versions && offers_discovery;
        if !speaks {
            let refusal = refuse(ResultReason::INVALID_MESSAGE, "unsupported protocol version");
            return whole(ProtocolVersion::V1_0, refusal);
        }
        if self.store.has_quirk(Quirk::NoBatches) && request.items.len() > 1 {
            return whole(version, refuse(ResultReason::INVALID_MESSAGE, "one item at a time"));
        }
        let goes_on = request.continuation == Some(BatchErrorContinuation::CONTINUE);
        let ids = !self.store.has_quirk(Quirk::NoBatchIds);
        let mut items = Vec::new();
        for item in request.items {
            let operation = item.request.operation();
            let result = match item.request {
                Request::DiscoverVersions(wanted) => self.discover(version, &wanted),
                request => self.store.perform(request, version.has_tagged_attributes()),
            };
            let failed = result.is_err();
            let batch_id = item.batch_id.filter(|_| ids);
            items.push(ReplyItem { operation: Some(operation), batch_id, result });
            if failed && !goes_on {
                break;
            }
        }
        ReplyMessage { version, time: Some(self.store.clock.now()), items }
    }

    fn discover(
        &self,
        version: ProtocolVersion,
        wanted: &[ProtocolVersion],
    ) -> Result<Reply, Refusal> {
        if !version.has_discovery() || self.store.has_quirk(Quirk::NoDiscovery) {
            return Err(refuse(ResultReason::OPERATION_NOT_SUPPORTED, "Discover Versions"));
        }
        let offered = self.versions.iter().copied();
        Ok(Reply::DiscoverVersions(
            offered.filter(|version| wanted.is_empty() || wanted.contains(version)).collect(),
        ))
    }
}

/// An error about the message as a whole: no operation, no id, no payload.
fn whole(version: ProtocolVersion, refusal: Refusal) -> ReplyMessage {
    let item = ReplyItem { operation: None, batch_id: None, result: Err(refusal) };
    ReplyMessage { version, time: None, items: vec![item] }
}

fn send(stream: &mut TlsStream, reply: &ReplyMessage) -> io::Result<()> {
    let bytes = reply.encode().map_err(io::Error::other)?;
    stream.write_all(bytes.as_slice())?;
    stream.flush()
}
