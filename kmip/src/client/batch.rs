//! The questions and answers of one message.

use crate::message::{
    BatchErrorContinuation, MessageError, ProtocolVersion, Refusal, Reply, ReplyItem, ReplyMessage,
    Request, encode_request,
};
use crate::transport::ProtocolFailure;
use crate::ttlv::SecretBuffer;

/// An answer to one question.
pub(super) type Answer = Result<Reply, Refusal>;

/// The answers to a message.
#[derive(Debug)]
pub(super) enum Answers {
    /// One slot for each question; a server may leave some empty (KMIP.md 14, rule 7).
    Each(Vec<Option<Answer>>),
    /// The server refused the message as a whole: one error for several questions.
    Whole(Refusal),
}

impl Answers {
    /// The answer to the only question.
    pub(super) fn into_one(self) -> Result<Answer, ProtocolFailure> {
        match self {
            Self::Whole(refusal) => Ok(Err(refusal)),
            Self::Each(answers) => {
                answers.into_iter().next().flatten().ok_or(ProtocolFailure::NoAnswer)
            }
        }
    }
}

/// Encodes questions; two or more carry ids, counted from 1.
pub(super) fn encode(
    version: ProtocolVersion,
    continuation: Option<BatchErrorContinuation>,
    requests: &[Request],
) -> Result<SecretBuffer, MessageError> {
    let ids: Vec<_> = (1..).zip(requests).map(|(number, _)| batch_id(number)).collect();
    let several = requests.len() > 1;
    let items: Vec<_> = ids
        .iter()
        .zip(requests)
        .map(|(id, request)| (several.then_some(id.as_slice()), request))
        .collect();
    encode_request(version, continuation, &items)
}

/// Brings the answers into the order of the questions.
pub(super) fn answers(
    requests: &[Request],
    reply: ReplyMessage,
) -> Result<Answers, ProtocolFailure> {
    let mut items = reply.items;
    if requests.len() > 1
        && items.len() == 1
        && items.iter().all(|item| item.batch_id.is_none() && item.result.is_err())
        && let Some(ReplyItem { result: Err(refusal), .. }) = items.pop()
    {
        return Ok(Answers::Whole(refusal));
    }
    let mut answers: Vec<_> = requests.iter().map(|_| None).collect();
    for (position, item) in items.into_iter().enumerate() {
        let index = match &item.batch_id {
            Some(id) if requests.len() > 1 => {
                index_of(id).ok_or(ProtocolFailure::WrongBatchItem)?
            }
            // Without ids, only the order tells.
            _ => position,
        };
        let (Some(request), Some(place)) = (requests.get(index), answers.get_mut(index)) else {
            return Err(ProtocolFailure::WrongBatchItem);
        };
        if place.is_some() {
            return Err(ProtocolFailure::WrongBatchItem);
        }
        *place = Some(checked(request, item)?);
    }
    Ok(Answers::Each(answers))
}

fn checked(request: &Request, item: ReplyItem) -> Result<Answer, ProtocolFailure> {
    let asked = request.operation();
    match item.operation {
        Some(found) if found != asked => Err(ProtocolFailure::OtherOperation { asked, found }),
        _ => Ok(item.result),
    }
}

fn batch_id(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn index_of(id: &[u8]) -> Option<usize> {
    let number = u32::from_be_bytes(id.try_into().ok()?);
    usize::try_from(number.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Operation, ResultReason, ResultStatus};

    fn two() -> [Request; 2] {
        [Request::Get("1".into()), Request::GetAttributes("1".into(), vec![])]
    }

    fn refusal() -> Refusal {
        Refusal {
            status: ResultStatus::OPERATION_FAILED,
            reason: Some(ResultReason::GENERAL_FAILURE),
            message: None,
        }
    }

    fn item(operation: Option<Operation>, id: Option<u32>, result: Answer) -> ReplyItem {
        ReplyItem { operation, batch_id: id.map(|n| n.to_be_bytes().to_vec()), result }
    }

    fn done(operation: Operation, id: Option<u32>) -> ReplyItem {
        item(Some(operation), id, Ok(Reply::Other(operation)))
    }

    fn sorted(items: Vec<ReplyItem>) -> Result<Vec<bool>, ProtocolFailure> {
        let reply = ReplyMessage { version: ProtocolVersion::V1_4, time: None, items };
        match answers(&two(), reply)? {
            Answers::Each(answers) => Ok(answers.iter().map(Option::is_some).collect()),
            Answers::Whole(_) => Ok(vec![]),
        }
    }

    #[test]
    fn answers_find_their_questions_by_id() {
        let (get, attributes) = (Operation::GET, Operation::GET_ATTRIBUTES);
        assert_eq!(sorted(vec![done(attributes, Some(2)), done(get, Some(1))]), Ok(vec![true; 2]));
        assert_eq!(sorted(vec![done(get, None), done(attributes, None)]), Ok(vec![true; 2]));
        assert_eq!(sorted(vec![done(attributes, Some(2))]), Ok(vec![false, true]));
        assert_eq!(sorted(vec![]), Ok(vec![false, false]));
    }

    #[test]
    fn strange_answers_are_refused() {
        let (get, attributes) = (Operation::GET, Operation::GET_ATTRIBUTES);
        for items in [
            vec![done(get, Some(7))],
            vec![done(get, Some(0))],
            vec![done(get, Some(1)), done(get, Some(1))],
            vec![done(get, None), done(attributes, None), done(get, None)],
        ] {
            assert_eq!(sorted(items), Err(ProtocolFailure::WrongBatchItem));
        }
        assert_eq!(
            sorted(vec![done(Operation::DESTROY, Some(1))]),
            Err(ProtocolFailure::OtherOperation { asked: get, found: Operation::DESTROY })
        );
    }

    #[test]
    fn one_error_without_an_id_refuses_the_whole_batch() {
        assert_eq!(sorted(vec![item(None, None, Err(refusal()))]), Ok(vec![]));
        let with_id = vec![item(Some(Operation::GET), Some(1), Err(refusal()))];
        assert_eq!(sorted(with_id), Ok(vec![true, false]));
    }
}
