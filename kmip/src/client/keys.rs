//! What the commands and the engine do with keys. Each method uses several operations.

use super::batch::{Answer, Answers};
use super::operations::accepted;
use super::pages::{Listing, Pages, Rest};
use super::{Client, choice};
use crate::error::{Error, HostFailure, Result};
use crate::message::{
    Attribute, Attributes, BatchErrorContinuation, CryptographicAlgorithm, Got, KeyMaterial,
    KeyValue, NewKey, ObjectType, Operation, Refusal, Reply, Request, ResultReason, Revocation,
    State, Timestamp, UniqueIdentifier,
};
use crate::transport::ProtocolFailure;
use crate::ttlv::Tag;

/// A symmetric key with its attributes.
#[derive(Debug)]
pub struct FetchedKey {
    /// The identifier that was asked for: what chunk headers carry.
    pub id: UniqueIdentifier,
    /// The key's bytes.
    pub material: KeyMaterial,
    /// Everything the server reports about it.
    pub attributes: Attributes,
    /// The algorithm in the key block; the attributes may name another (KMIP.md 14, rule 3).
    pub block_algorithm: Option<CryptographicAlgorithm>,
}

/// One row of a listing.
#[derive(Debug)]
pub struct ListedObject {
    /// The object.
    pub id: UniqueIdentifier,
    /// Its attributes, or why the server does not report them.
    pub attributes: Result<Attributes, Refusal>,
}

impl Client {
    /// Fetches a key by its id, in whatever state it is: Get and Get Attributes in one batch, as
    /// the database does (KMIP.md 1.1), or one by one where a server does not accept batches.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::UnusableKey`], or a failed connection.
    pub fn fetch(&mut self, id: &UniqueIdentifier) -> Result<FetchedKey> {
        let batch = [Request::Get(id.clone()), Request::GetAttributes(id.clone(), Vec::new())];
        let mut answers = self.batch(&batch, None)?.unwrap_or_default().into_iter();
        let (got, attributes) = (answers.next().flatten(), answers.next().flatten());
        let got = match got {
            Some(answer) => match accepted(Operation::GET, Some(id), answer) {
                Ok(Reply::Get(got)) => Ok(got),
                Ok(_other) => return Err(self.no_answer()),
                Err(error) => Err(error),
            },
            None => self.get(id),
        };
        let got = match got {
            Err(Error::Refused { refusal, .. }) => {
                return Err(self.explained(Operation::GET, id, refusal));
            }
            got => got?,
        };
        let attributes = match attributes {
            Some(Ok(Reply::GetAttributes(_id, attributes))) => attributes,
            _missing_or_refused => self.get_attributes(id, Vec::new())?,
        };
        usable(id, got, attributes)
    }

    /// Why the server refused a request about a key. Servers use the same reason (permission
    /// denied, for example) for a client without the right and for a key in the wrong state.
    fn explained(
        &mut self,
        operation: Operation,
        id: &UniqueIdentifier,
        refusal: Refusal,
    ) -> Error {
        let is_missing = refusal.reason.is_some_and(ResultReason::is_not_found);
        let attributes = match is_missing {
            true => None,
            false => self.get_attributes(id, Vec::new()).ok(),
        };
        let id = id.clone();
        match attributes.and_then(|attributes| attributes.state()) {
            // Being active only prevents a key from being destroyed.
            Some(state) if state != State::ACTIVE || operation == Operation::DESTROY => {
                Error::OutOfState { operation, id, state, refusal }
            }
            _ => Error::Refused { operation, id: Some(id), refusal },
        }
    }

    /// Changes a key. Where the key's state is why the server refuses, the error names the state.
    fn done_to(
        &mut self,
        id: &UniqueIdentifier,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match work(self) {
            Err(Error::Refused { operation, refusal, .. }) => {
                Err(self.explained(operation, id, refusal))
            }
            result => result,
        }
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// As [`Self::revoke`]; [`Error::OutOfState`] for one that is already revoked, for example.
    pub fn revoke_key(&mut self, revocation: Revocation) -> Result<()> {
        let id = revocation.id.clone();
        self.done_to(&id, |client| client.revoke(revocation))
    }

    /// Destroys a key. What was encrypted with it is lost.
    ///
    /// # Errors
    /// As [`Self::destroy`]; [`Error::OutOfState`] for one that is active, for example.
    pub fn destroy_key(&mut self, id: &UniqueIdentifier) -> Result<()> {
        self.done_to(id, |client| client.destroy(id))
    }

    /// The answers to several questions; `None` where the server takes only one at a time: it
    /// refuses the message, or closes the connection.
    fn batch(
        &mut self,
        requests: &[Request],
        continuation: Option<BatchErrorContinuation>,
    ) -> Result<Option<Vec<Option<Answer>>>> {
        match self.exchange(requests, continuation) {
            Ok(Answers::Each(answers)) => Ok(Some(answers)),
            Ok(Answers::Whole(_refusal)) => Ok(None),
            Err(Error::AllHostsFailed(failures))
                if failures.iter().any(|failed| failed.failure.is_of_a_batch()) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Fetches the attributes of many objects, a batch at a time, and one by one where the server
    /// answers fewer than were asked. One refusal does not affect the others.
    ///
    /// # Errors
    /// What the connection does.
    pub fn attributes_of(&mut self, ids: &[UniqueIdentifier]) -> Result<Vec<ListedObject>> {
        let mut objects = Vec::with_capacity(ids.len());
        let mut batches = true;
        let mut weight = 0_usize;
        let budget = self.budget();
        for ids in ids.chunks(BATCH) {
            let answers = if batches && ids.len() > 1 {
                let requests: Vec<_> =
                    ids.iter().map(|id| Request::GetAttributes(id.clone(), Vec::new())).collect();
                let answers = self.batch(&requests, Some(BatchErrorContinuation::CONTINUE))?;
                batches = answers.is_some();
                answers.unwrap_or_default()
            } else {
                Vec::new()
            };
            let answers = answers.into_iter().chain(std::iter::repeat_with(|| None));
            for (id, answer) in ids.iter().zip(answers) {
                let attributes = match answer {
                    Some(Ok(Reply::GetAttributes(_id, attributes))) => Ok(attributes),
                    Some(Err(refusal)) => Err(refusal),
                    _missing => self.attributes_or_refusal(id)?,
                };
                weight = weight.saturating_add(attributes.as_ref().map_or(0, Attributes::weight));
                objects.push(ListedObject { id: id.clone(), attributes });
            }
            budget.check(objects.len(), weight).map_err(|failure| self.gave_up(failure))?;
        }
        Ok(objects)
    }

    /// Lists the symmetric keys, or those of one namespace. What the server returns despite the
    /// filter is dropped when its attributes do not match; objects without readable attributes stay
    /// listed.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn list(&mut self, namespace: Option<&str>) -> Result<Listing<ListedObject>> {
        let kind = ObjectType::SYMMETRIC_KEY;
        let mut filter = vec![Attribute::new(Tag::OBJECT_TYPE.into(), kind.number())];
        filter.extend(namespace.map(choice::namespace_attribute));
        let ids = self.locate_all(&filter)?;
        let mut objects = self.attributes_of(&ids.found)?;
        objects.retain(|object| match &object.attributes {
            Ok(attributes) => {
                attributes.object_type().is_none_or(|found| found == kind)
                    && namespace
                        .is_none_or(|wanted| attributes.custom(choice::NAMESPACE) == Some(wanted))
            }
            Err(_refusal) => true,
        });
        Ok(ids.map(|_ids| objects))
    }

    /// Sets the Protect Stop Date: Add Attribute where it is absent, Modify Attribute where it
    /// is present, Set Attribute in 2.x (KMIP.md 14). Returns the date that was there before.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or a failed connection.
    pub fn expire(&mut self, id: &UniqueIdentifier, at: Timestamp) -> Result<Option<Timestamp>> {
        let attribute = || Attribute::new(Tag::PROTECT_STOP_DATE.into(), at);
        let before = self.get_attributes(id, Vec::new())?.protect_stop_date();
        let is_tagged = self.connect()?.has_tagged_attributes();
        self.done_to(id, |client| match before {
            _ if is_tagged => client.set_attribute(id, attribute()),
            Some(_) => client.modify_attribute(id, attribute()),
            None => client.add_attribute(id, attribute()),
        })?;
        Ok(before)
    }

    /// Creates a key and activates it, as the database does (KMIP.md 1.1). Where Activate gets no
    /// answer, the server is asked for the key's state.
    ///
    /// # Errors
    /// [`Error::NotActivated`] with the new key's id, [`Error::Refused`],
    /// [`Error::OutcomeUnknown`], or a failed connection.
    pub fn create_active(&mut self, key: NewKey) -> Result<UniqueIdentifier> {
        let id = self.create(key)?;
        self.activate_made(&id)?;
        Ok(id)
    }

    /// Activates a key that was created and never activated: one that fits in every respect and has
    /// no Activation Date, as a Create without its Activate leaves it. If there are several, the
    /// newest is taken. No key is created.
    ///
    /// # Errors
    /// As [`Self::create_active`].
    pub fn take_up(
        &mut self,
        wanted: &choice::KeyRequest,
        now: Timestamp,
    ) -> Result<Option<UniqueIdentifier>> {
        let ids = match self.locate_all(&wanted.attributes_in(State::PRE_ACTIVE)) {
            Ok(listing) => listing.found,
            // A server that does not support this question cannot report such keys.
            Err(Error::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let inactive = [choice::Rejection::NotActive(State::PRE_ACTIVE)];
        let left = self.attributes_of(&ids)?.into_iter().filter_map(|object| {
            let attributes = object.attributes.ok()?;
            let is_left = attributes.activation_date().is_none()
                && choice::rejections(wanted, &attributes, now) == inactive;
            is_left.then(|| (object.id, attributes.creation_date()))
        });
        let Some((id, _made)) = left.max_by_key(|(_, made)| *made) else { return Ok(None) };
        self.activate_made(&id)?;
        Ok(Some(id))
    }

    fn activate_made(&mut self, id: &UniqueIdentifier) -> Result<()> {
        let Err(first) = self.activate(id) else { return Ok(()) };
        let failed = |cause| {
            let cause = Box::new(cause);
            Err(Error::NotActivated { id: id.clone(), cause })
        };
        if !matches!(first, Error::OutcomeUnknown { .. }) {
            return failed(first);
        }
        match self.get_attributes(id, Vec::new()).map(|attributes| attributes.state()) {
            Ok(Some(State::ACTIVE)) => Ok(()),
            // The server says that it was not done, so trying again does not do it twice.
            Ok(Some(State::PRE_ACTIVE)) => self.activate(id).or_else(failed),
            _ => failed(first),
        }
    }

    /// Finds the key that the database would write with (KMIP.md 1.2 to 1.5), without creating one:
    /// the filter is sent, and every rule is applied again to what comes back. The database does
    /// not see what a server gives only on a second page: it asks once, without a limit.
    ///
    /// # Errors
    /// [`Error::Refused`], or a failed connection.
    pub fn choose(
        &mut self,
        wanted: &choice::KeyRequest,
        now: Timestamp,
    ) -> Result<choice::Choice> {
        let Pages { mut ids, first, mut rest } = self.pages(&wanted.locate_attributes(), None)?;
        if ids.len() > first {
            let of = match rest {
                Rest::Cut { of, .. } => of,
                Rest::None | Rest::Unknown(_) => ids.len(),
            };
            rest = Rest::Cut { listed: first, of };
            ids.truncate(first);
        }
        let objects = self.attributes_of(&ids)?;
        let candidates = objects.into_iter().map(|object| choice::Candidate {
            id: object.id,
            attributes: object.attributes.unwrap_or_default(),
        });
        let choice = choice::choose(wanted, candidates.collect(), now);
        Ok(choice::Choice { rest, ..choice })
    }

    fn attributes_or_refusal(
        &mut self,
        id: &UniqueIdentifier,
    ) -> Result<Result<Attributes, Refusal>> {
        match self.get_attributes(id, Vec::new()) {
            Ok(attributes) => Ok(Ok(attributes)),
            Err(Error::Refused { refusal, .. }) => Ok(Err(refusal)),
            Err(error) => Err(error),
        }
    }

    fn no_answer(&mut self) -> Error {
        let failure: HostFailure = self.broke(ProtocolFailure::NoAnswer);
        Error::AllHostsFailed(vec![failure])
    }
}

/// The checks of reading (KMIP.md 2), without the one for attributes: a key whose attributes a
/// server lost still decrypts.
fn usable(id: &UniqueIdentifier, got: Got, attributes: Attributes) -> Result<FetchedKey> {
    let unusable = |what| Error::UnusableKey { id: id.clone(), what };
    if got.object_type.is_some_and(|kind| kind != ObjectType::SYMMETRIC_KEY) {
        return Err(unusable("it is not a symmetric key"));
    }
    let Some(key) = got.key else { return Err(unusable(NO_BYTES)) };
    // Some servers return a UUID in another case than they accepted it.
    if !got.id.as_str().eq_ignore_ascii_case(id.as_str()) {
        return Err(unusable("the server answered with another object"));
    }
    let material = match key.value {
        KeyValue::Plain(material) => material,
        KeyValue::Wrapped => return Err(unusable("the server wrapped the key")),
        KeyValue::Unsupported => return Err(unusable("its key format is not supported")),
        KeyValue::Absent => return Err(unusable(NO_BYTES)),
    };
    if material.expose().is_empty() {
        return Err(unusable(NO_BYTES));
    }
    Ok(FetchedKey { id: id.clone(), material, attributes, block_algorithm: key.algorithm })
}

/// A key that never leaves a device, for example.
const NO_BYTES: &str = "the server gives the key without its bytes, perhaps because it may not leave the \
     server (not extractable)";

/// Objects per message: about 32 KiB of reply.
const BATCH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_counts_what_a_server_can_inflate() {
        let small = Attributes::new(vec![Attribute::new(Tag::STATE.into(), 2_u32)]);
        let text = "x".repeat(10_000);
        let large = Attributes::new(vec![Attribute::new(Tag::COMMENT.into(), text.as_str())]);
        assert!(small.weight() > 0 && large.weight() > small.weight() + 9_000);
    }
}
