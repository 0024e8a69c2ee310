//! Whole messages: header and batch items.

use std::fmt;

use super::{
    BatchErrorContinuation, MessageError, Operation, ProtocolVersion, Reply, Request, ResultReason,
    ResultStatus, Timestamp, field, printable,
};
use crate::ttlv::{self, Item, SecretBuffer, Structure, Tag, Writer};

/// A request with one or more operations.
#[derive(Debug)]
pub struct RequestMessage {
    /// The version of the message.
    pub version: ProtocolVersion,
    /// What follows a failed item; the server stops if this is not sent.
    pub continuation: Option<BatchErrorContinuation>,
    /// The operations.
    pub items: Vec<RequestItem>,
}

/// One operation of a batch.
#[derive(Debug)]
pub struct RequestItem {
    /// Unique Batch Item ID; required as soon as there are two items.
    pub batch_id: Option<Vec<u8>>,
    /// The operation.
    pub request: Request,
}

/// A reply to a request.
#[derive(Debug)]
pub struct ReplyMessage {
    /// The version of the message; an error may have another version than the request.
    pub version: ProtocolVersion,
    /// The server's clock.
    pub time: Option<Timestamp>,
    /// The answers; there may be fewer than questions (KMIP.md 14, rule 7).
    pub items: Vec<ReplyItem>,
}

/// One answer of a batch.
#[derive(Debug)]
pub struct ReplyItem {
    /// The operation; an error may omit it.
    pub operation: Option<Operation>,
    /// The Unique Batch Item ID of the question.
    pub batch_id: Option<Vec<u8>>,
    /// Success with a payload, or why not.
    pub result: Result<Reply, Refusal>,
}

/// A server's refusal: number and text are kept as received (KMIP.md 14, rule 4).
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Result Status.
    pub status: ResultStatus,
    /// Result Reason.
    pub reason: Option<ResultReason>,
    /// Result Message, shortened and made safe to print.
    pub message: Option<String>,
}

impl RequestMessage {
    /// A request of one operation.
    #[must_use]
    pub fn single(version: ProtocolVersion, request: Request) -> Self {
        let items = vec![RequestItem { batch_id: None, request }];
        Self { version, continuation: None, items }
    }

    /// Encodes the message.
    ///
    /// # Errors
    /// [`MessageError::NotInVersion`] for what the version cannot express, or a message that is
    /// too long.
    pub fn encode(&self) -> Result<SecretBuffer, MessageError> {
        let items: Vec<_> =
            self.items.iter().map(|item| (item.batch_id.as_deref(), &item.request)).collect();
        encode_request(self.version, self.continuation, &items)
    }

    /// Decodes a message, as a server does.
    ///
    /// # Errors
    /// [`MessageError`] for what is not a request.
    pub fn decode(message: &[u8]) -> Result<Self, MessageError> {
        let (header, message) = open(message, Tag::REQUEST_MESSAGE, Tag::REQUEST_HEADER)?;
        let continuation = header
            .find(Tag::BATCH_ERROR_CONTINUATION_OPTION)
            .and_then(|item| item.enumeration())
            .map(BatchErrorContinuation::from_number);
        let mut items = Vec::new();
        for item in message.all(Tag::BATCH_ITEM) {
            let item = structure(&item)?;
            let operation = operation(item).ok_or(MessageError::Missing(Tag::OPERATION))?;
            let payload = item
                .find(Tag::REQUEST_PAYLOAD)
                .ok_or(MessageError::Missing(Tag::REQUEST_PAYLOAD))?;
            let request = Request::decode(operation, structure(&payload)?)?;
            items.push(RequestItem { batch_id: batch_id(item), request });
        }
        Ok(Self { version: version(header)?, continuation, items })
    }
}

impl ReplyMessage {
    /// Encodes the message, as a server does.
    ///
    /// # Errors
    /// [`MessageError::Ttlv`] when it is too long.
    pub fn encode(&self) -> Result<SecretBuffer, MessageError> {
        let mut writer = Writer::new();
        writer.structure(Tag::RESPONSE_MESSAGE, |message| {
            message.structure(Tag::RESPONSE_HEADER, |header| {
                self.version.encode(header);
                if let Some(time) = self.time {
                    header.date_time(Tag::TIME_STAMP, time.seconds());
                }
                header.integer(Tag::BATCH_COUNT, count(self.items.len()));
            });
            for item in &self.items {
                message.structure(Tag::BATCH_ITEM, |inner| item.encode(self.version, inner));
            }
        });
        Ok(writer.finish()?)
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// [`MessageError`] for what is not a reply, or lacks what this client acts on.
    pub fn decode(message: &[u8]) -> Result<Self, MessageError> {
        let (header, message) = open(message, Tag::RESPONSE_MESSAGE, Tag::RESPONSE_HEADER)?;
        let time = header.find(Tag::TIME_STAMP).and_then(|item| item.date_time());
        let mut items = Vec::new();
        for item in message.all(Tag::BATCH_ITEM) {
            items.push(ReplyItem::decode(structure(&item)?)?);
        }
        Ok(Self { version: version(header)?, time: time.map(Timestamp::from_seconds), items })
    }
}

impl ReplyItem {
    fn encode(&self, version: ProtocolVersion, writer: &mut Writer) {
        if let Some(operation) = self.operation {
            writer.enumeration(Tag::OPERATION, operation.number());
        }
        if let Some(id) = &self.batch_id {
            writer.byte_string(Tag::UNIQUE_BATCH_ITEM_ID, id);
        }
        match &self.result {
            Ok(reply) => {
                writer.enumeration(Tag::RESULT_STATUS, ResultStatus::SUCCESS.number());
                if !matches!(reply, Reply::Other(_)) {
                    writer
                        .structure(Tag::RESPONSE_PAYLOAD, |payload| reply.encode(version, payload));
                }
            }
            Err(refusal) => {
                writer.enumeration(Tag::RESULT_STATUS, refusal.status.number());
                if let Some(reason) = refusal.reason {
                    writer.enumeration(Tag::RESULT_REASON, reason.number());
                }
                if let Some(message) = &refusal.message {
                    writer.text(Tag::RESULT_MESSAGE, message);
                }
            }
        }
    }

    fn decode(item: Structure<'_>) -> Result<Self, MessageError> {
        let operation = operation(item);
        let number = |tag| item.find(tag).and_then(|item| item.enumeration());
        let status = number(Tag::RESULT_STATUS)
            .map(ResultStatus::from_number)
            .ok_or(MessageError::Missing(Tag::RESULT_STATUS))?;
        let result = if status == ResultStatus::SUCCESS {
            let operation = operation.ok_or(MessageError::Missing(Tag::OPERATION))?;
            Ok(match item.find(Tag::RESPONSE_PAYLOAD) {
                Some(payload) => Reply::decode(operation, structure(&payload)?)?,
                None => Reply::Other(operation),
            })
        } else {
            Err(Refusal {
                status,
                reason: number(Tag::RESULT_REASON).map(ResultReason::from_number),
                message: item
                    .find(Tag::RESULT_MESSAGE)
                    .and_then(|item| item.text_lossy())
                    .map(|text| printable(&text, LONGEST_TEXT)),
            })
        };
        Ok(Self { operation, batch_id: batch_id(item), result })
    }
}

/// `Item Not Found (1): no such object`
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Some(reason) if reason.name().is_some() => {
                write!(f, "{reason} ({})", reason.number())?;
            }
            Some(reason) => write!(f, "reason {}", reason.number())?,
            None => write!(f, "{}", self.status)?,
        }
        match &self.message {
            Some(message) if !message.is_empty() => write!(f, ": {message}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Encodes a request from borrowed parts: a batch may be sent again in another version.
pub(crate) fn encode_request(
    version: ProtocolVersion,
    continuation: Option<BatchErrorContinuation>,
    items: &[(Option<&[u8]>, &Request)],
) -> Result<SecretBuffer, MessageError> {
    for (_id, request) in items {
        request.check(version)?;
    }
    let mut writer = Writer::new();
    writer.structure(Tag::REQUEST_MESSAGE, |message| {
        message.structure(Tag::REQUEST_HEADER, |header| {
            version.encode(header);
            if let Some(continuation) = continuation {
                header.enumeration(Tag::BATCH_ERROR_CONTINUATION_OPTION, continuation.number());
            }
            header.integer(Tag::BATCH_COUNT, count(items.len()));
        });
        for (id, request) in items {
            message.structure(Tag::BATCH_ITEM, |inner| {
                inner.enumeration(Tag::OPERATION, request.operation().number());
                if let Some(id) = id {
                    inner.byte_string(Tag::UNIQUE_BATCH_ITEM_ID, id);
                }
                inner.structure(Tag::REQUEST_PAYLOAD, |payload| request.encode(version, payload));
            });
        }
    });
    Ok(writer.finish()?)
}

/// Header and body of a message of the expected kind.
fn open(
    message: &[u8],
    expected: Tag,
    header: Tag,
) -> Result<(Structure<'_>, Structure<'_>), MessageError> {
    let item = ttlv::parse(message)?;
    if item.tag != expected {
        return Err(MessageError::OtherMessage { expected, found: item.tag });
    }
    let message = structure(&item)?;
    let header = field::item(message, header)?;
    Ok((structure(&header)?, message))
}

fn version(header: Structure<'_>) -> Result<ProtocolVersion, MessageError> {
    let item = field::item(header, Tag::PROTOCOL_VERSION)?;
    ProtocolVersion::decode(structure(&item)?)
}

fn structure<'a>(item: &Item<'a>) -> Result<Structure<'a>, MessageError> {
    item.structure().ok_or(MessageError::WrongType(item.tag))
}

fn operation(item: Structure<'_>) -> Option<Operation> {
    item.find(Tag::OPERATION).and_then(|item| item.enumeration()).map(Operation::from_number)
}

fn batch_id(item: Structure<'_>) -> Option<Vec<u8>> {
    item.find(Tag::UNIQUE_BATCH_ITEM_ID).and_then(|item| item.bytes()).map(<[u8]>::to_vec)
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

/// Characters of a server's text that are kept.
const LONGEST_TEXT: usize = 500;
