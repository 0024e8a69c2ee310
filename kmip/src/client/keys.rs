//! What the commands and the engine do with keys, made of several operations each.

use super::batch::Answers;
use super::operations::accepted;
use super::pages::{Listing, Pages, Rest};
use super::{Client, choice};
use crate::error::{Error, HostFailure, Result};
use crate::message::{
    Attribute, Attributes, BatchErrorContinuation, CryptographicAlgorithm, Got, KeyMaterial,
    KeyValue, NewKey, ObjectType, Operation, Refusal, Reply, Request, Timestamp, UniqueIdentifier,
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
    /// Everything the server tells about it.
    pub attributes: Attributes,
    /// The algorithm in the key block; the attributes may say another (KMIP.md 14, rule 3).
    pub block_algorithm: Option<CryptographicAlgorithm>,
}

/// One row of a listing.
#[derive(Debug)]
pub struct ListedObject {
    /// The object.
    pub id: UniqueIdentifier,
    /// Its attributes, or why the server does not tell them.
    pub attributes: Result<Attributes, Refusal>,
}

impl Client {
    /// Fetches a key by its id, in whatever state it is: Get and Get Attributes in one batch, as
    /// the database does (KMIP.md 1.1), or one by one where a server does not take batches.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::UnusableKey`], or what the connection does.
    pub fn fetch(&mut self, id: &UniqueIdentifier) -> Result<FetchedKey> {
        let batch = [Request::Get(id.clone()), Request::GetAttributes(id.clone(), Vec::new())];
        let (got, attributes) = match self.exchange(&batch, None)? {
            Answers::Whole(_refusal) => (None, None),
            Answers::Each(answers) => {
                let mut answers = answers.into_iter();
                (answers.next().flatten(), answers.next().flatten())
            }
        };
        let got = match got {
            Some(answer) => match accepted(Operation::GET, Some(id), answer)? {
                Reply::Get(got) => got,
                _other => return Err(self.no_answer()),
            },
            None => self.get(id)?,
        };
        let attributes = match attributes {
            Some(Ok(Reply::GetAttributes(_id, attributes))) => attributes,
            _missing_or_refused => self.get_attributes(id, Vec::new())?,
        };
        usable(id, got, attributes)
    }

    /// Fetches the attributes of many objects, a batch at a time, and one by one where the
    /// server answers fewer than it was asked. One refusal does not spoil the others.
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
                match self.exchange(&requests, Some(BatchErrorContinuation::CONTINUE))? {
                    Answers::Each(answers) => answers,
                    Answers::Whole(_refusal) => {
                        batches = false;
                        Vec::new()
                    }
                }
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

    /// Lists the symmetric keys, or those of one namespace. What the server returns in spite of
    /// the filter is dropped when its attributes say so; objects that tell nothing stay listed.
    ///
    /// # Errors
    /// [`Error::Refused`], or what the connection does.
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
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or what the connection does.
    pub fn expire(&mut self, id: &UniqueIdentifier, at: Timestamp) -> Result<Option<Timestamp>> {
        let attribute = || Attribute::new(Tag::PROTECT_STOP_DATE.into(), at);
        let before = self.get_attributes(id, Vec::new())?.protect_stop_date();
        if self.connect()?.has_tagged_attributes() {
            self.set_attribute(id, attribute())?;
        } else if before.is_some() {
            self.modify_attribute(id, attribute())?;
        } else {
            self.add_attribute(id, attribute())?;
        }
        Ok(before)
    }

    /// Creates a key and activates it, as the database does (KMIP.md 1.1). If the activation
    /// fails the error names the new key, which then stays Pre-Active.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OutcomeUnknown`], or what the connection does.
    pub fn create_active(&mut self, key: NewKey) -> Result<UniqueIdentifier> {
        let id = self.create(key)?;
        self.activate(&id)?;
        Ok(id)
    }

    /// Finds the key that the database would write with (KMIP.md 1.2 to 1.5), without creating
    /// one: the filter is sent, and every rule is applied again to what comes back. What a server
    /// gives only to those who ask for a second page the database does not see: it asks once, and
    /// for all.
    ///
    /// # Errors
    /// [`Error::Refused`], or what the connection does.
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
    let key = match got.key {
        Some(key) if got.object_type == ObjectType::SYMMETRIC_KEY => key,
        _ => return Err(unusable("it is not a symmetric key")),
    };
    if got.id != *id {
        return Err(unusable("the server answered with another object"));
    }
    let material = match key.value {
        KeyValue::Plain(material) => material,
        KeyValue::Wrapped => return Err(unusable("the server wrapped the key")),
        KeyValue::Unsupported => return Err(unusable("its key format is not supported")),
    };
    if material.expose().is_empty() {
        return Err(unusable("it has no bytes"));
    }
    Ok(FetchedKey { id: id.clone(), material, attributes, block_algorithm: key.algorithm })
}

/// Objects asked about in one message: about 32 KiB of reply.
const BATCH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_counts_what_a_server_can_blow_up() {
        let small = Attributes::new(vec![Attribute::new(Tag::STATE.into(), 2_u32)]);
        let text = "x".repeat(10_000);
        let large = Attributes::new(vec![Attribute::new(Tag::COMMENT.into(), text.as_str())]);
        assert!(small.weight() > 0 && large.weight() > small.weight() + 9_000);
    }
}
