//! What each operation does.

use rekey_kmip::message::{
    Attribute, AttributeName, AttributeValue, CryptographicAlgorithm, Got, KeyMaterial, KeyValue,
    Locate, Located, NewKey, ObjectType, Operation, Refusal, Registration, Reply, Request,
    ResultReason, Revocation, RevocationReason, ServerFeatures, State, SymmetricKey, Timestamp,
    UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;

use crate::object::{Object, key_bytes};
use crate::script::Quirk;
use crate::store::{Inner, random, refuse};

impl Inner {
    pub(crate) fn perform(
        &mut self,
        request: Request,
        now: Timestamp,
        two: bool,
    ) -> Result<Reply, Refusal> {
        let operation = request.operation();
        let done = |id| Ok(Reply::Done(operation, id));
        match request {
            Request::Query(_functions) => Ok(Reply::Query(self.features(two))),
            Request::Locate(locate) => self.locate(&locate, now).map(Reply::Locate),
            Request::Get(id) => self.get(id, now, two).map(Reply::Get),
            Request::GetAttributes(id, names) => {
                let attributes = self.told(&id, now)?.into_iter();
                let asked = |name: &AttributeName| names.is_empty() || names.contains(name);
                let told = attributes.filter(|attribute| asked(&attribute.name)).collect();
                Ok(Reply::GetAttributes(id, told))
            }
            Request::GetAttributeList(id) => {
                let mut names: Vec<AttributeName> = Vec::new();
                for attribute in self.told(&id, now)? {
                    if !names.contains(&attribute.name) {
                        names.push(attribute.name);
                    }
                }
                Ok(Reply::GetAttributeList(id, names))
            }
            Request::Create(key) => done(self.create(key, now)?),
            Request::Register(registration) => done(self.register(registration, now)?),
            Request::Activate(id) => {
                let object = self.find(&id)?;
                if object.state(now) != State::PRE_ACTIVE {
                    return Err(refuse(ResultReason::PERMISSION_DENIED, "not pre-active"));
                }
                object.set_date(Tag::ACTIVATION_DATE, now);
                done(id)
            }
            Request::AddAttribute(id, attribute) => {
                self.check_custom(std::slice::from_ref(&attribute))?;
                self.add_attribute(&id, attribute, now, two)?;
                done(id)
            }
            Request::ModifyAttribute(id, attribute) => {
                let object = self.find(&id)?;
                if !object.has(&attribute.name) {
                    return Err(refuse(ResultReason::ITEM_NOT_FOUND, "no such attribute"));
                }
                write(object, attribute, now)?;
                done(id)
            }
            Request::SetAttribute(id, attribute) => {
                write(self.find(&id)?, attribute, now)?;
                done(id)
            }
            Request::Revoke(revocation) => done(self.revoke(revocation, now)?),
            Request::Destroy(id) => {
                let object = self.find(&id)?;
                if object.state(now) == State::ACTIVE {
                    return Err(refuse(ResultReason::PERMISSION_DENIED, "the object is active"));
                }
                object.set_date(Tag::DESTROY_DATE, now);
                object.key.0 = None;
                done(id)
            }
            _ => Err(refuse(ResultReason::OPERATION_NOT_SUPPORTED, "not supported")),
        }
    }

    fn features(&self, two: bool) -> ServerFeatures {
        let mut operations = vec![
            Operation::CREATE,
            Operation::REGISTER,
            Operation::LOCATE,
            Operation::GET,
            Operation::GET_ATTRIBUTES,
            Operation::GET_ATTRIBUTE_LIST,
            Operation::MODIFY_ATTRIBUTE,
            Operation::ACTIVATE,
            Operation::REVOKE,
            Operation::DESTROY,
            Operation::QUERY,
            Operation::DISCOVER_VERSIONS,
        ];
        if !self.has(Quirk::NoAddAttribute) {
            operations.push(Operation::ADD_ATTRIBUTE);
        }
        if two {
            operations.push(Operation::SET_ATTRIBUTE);
        }
        ServerFeatures {
            operations,
            object_types: vec![ObjectType::SYMMETRIC_KEY, ObjectType::SECRET_DATA],
            vendor: Some("sstablerekey simulator".to_owned()),
        }
    }

    fn locate(&self, locate: &Locate, now: Timestamp) -> Result<Located, Refusal> {
        if self.has(Quirk::RefusesPaging) && locate.maximum.is_some() {
            return Err(refuse(ResultReason::INVALID_FIELD, "Maximum Items"));
        }
        let mut filter = locate.attributes.clone();
        if self.has(Quirk::IgnoresCustomFilters) {
            filter.retain(|attribute| !matches!(attribute.name, AttributeName::Custom(_)));
        }
        if self.has(Quirk::IgnoresLocateFilters) {
            filter.clear();
        }
        let matching: Vec<_> = self
            .objects
            .iter()
            .filter(|object| object.date(Tag::DESTROY_DATE).is_none())
            .filter(|object| object.matches(&filter, now))
            .map(|object| object.id.clone())
            .collect();
        if self.has(Quirk::RefusesOffset) && locate.offset.is_some() {
            return Err(refuse(ResultReason::INVALID_FIELD, "Offset Items"));
        }
        let ignores_all = self.has(Quirk::IgnoresPaging);
        let asked = |number: Option<i32>| {
            number.filter(|_| !ignores_all).and_then(|number| usize::try_from(number).ok())
        };
        let offset = asked(locate.offset).filter(|_| !self.has(Quirk::IgnoresOffset)).unwrap_or(0);
        let caps = self.quirks.iter().filter_map(|quirk| match quirk {
            Quirk::CapsLocate(most) => Some(*most),
            _ => None,
        });
        let maximum = caps.chain(asked(locate.maximum)).min().unwrap_or(usize::MAX);
        let all = matching.len();
        let ids: Vec<_> = matching.into_iter().skip(offset).take(maximum).collect();
        let counted = if self.has(Quirk::CountsThePage) { ids.len() } else { all };
        let total = i32::try_from(counted).ok().filter(|_| !self.has(Quirk::NoLocatedItems));
        Ok(Located { ids, total })
    }

    fn get(&mut self, id: UniqueIdentifier, now: Timestamp, two: bool) -> Result<Got, Refusal> {
        let refuses = self.has(Quirk::RefusesGetOfDeactivated);
        let denies = self.has(Quirk::DeniesGetOfDeactivated);
        let (wraps, keeps) = (self.has(Quirk::WrapsKeys), self.has(Quirk::KeepsKeyBytes));
        let (zero, upper) = (self.has(Quirk::TypesAreZero), self.has(Quirk::UpperCaseIds));
        let object = self.find(&id)?;
        if denies && object.state(now) == State::DEACTIVATED {
            return Err(refuse(ResultReason::PERMISSION_DENIED, "DENIED"));
        }
        if refuses && object.state(now) == State::DEACTIVATED {
            return Err(refuse(ResultReason::WRONG_KEY_LIFECYCLE_STATE, "DENIED"));
        }
        if object.date(Tag::DESTROY_DATE).is_some() {
            let reason =
                if two { ResultReason::OBJECT_DESTROYED } else { ResultReason::ITEM_NOT_FOUND };
            return Err(refuse(reason, "the object is destroyed"));
        }
        let Some(bytes) = object.key.0.clone() else {
            return Ok(Got { object_type: Some(object.kind), id, key: None });
        };
        let told = object.attributes(now);
        let algorithm = told.algorithm().unwrap_or(CryptographicAlgorithm::AES);
        let mut key =
            SymmetricKey::raw(KeyMaterial::new(bytes), algorithm, told.length().unwrap_or(0));
        if wraps {
            key.value = KeyValue::Wrapped;
        } else if keeps {
            key.value = KeyValue::Absent;
        }
        let object_type = Some(object.kind).filter(|_| !zero);
        let id = if upper { id.as_str().to_uppercase().as_str().into() } else { id };
        Ok(Got { object_type, id, key: Some(key) })
    }

    /// The attributes that this server tells about an object.
    fn told(&mut self, id: &UniqueIdentifier, now: Timestamp) -> Result<Vec<Attribute>, Refusal> {
        let (as_aes, no_dates) = (self.has(Quirk::ListsDesAsAes), self.has(Quirk::NoDates));
        let mut attributes = self.find(id)?.attributes(now).into_vec();
        for attribute in &mut attributes {
            if as_aes && attribute.name == Tag::CRYPTOGRAPHIC_ALGORITHM.into() {
                attribute.value = CryptographicAlgorithm::AES.number().into();
            }
        }
        if self.has(Quirk::TypesAreZero) {
            for attribute in &mut attributes {
                if attribute.name == Tag::OBJECT_TYPE.into() {
                    attribute.value = 0_u32.into();
                }
            }
        }
        attributes.retain(|attribute| {
            !no_dates
                || attribute.name == Tag::INITIAL_DATE.into()
                || !matches!(attribute.value, AttributeValue::Date(_))
        });
        Ok(attributes)
    }

    fn create(&mut self, key: NewKey, now: Timestamp) -> Result<UniqueIdentifier, Refusal> {
        let attributes = self.kept(key.attributes, now)?;
        let told = attributes.iter().cloned().collect::<rekey_kmip::message::Attributes>();
        let (Some(algorithm), Some(bits)) = (told.algorithm(), told.length()) else {
            return Err(refuse(ResultReason::INVALID_FIELD, "no algorithm or length"));
        };
        let length = key_bytes(algorithm, bits)
            .ok_or_else(|| refuse(ResultReason::INVALID_FIELD, "no such length"))?;
        let bytes = random(length)
            .map_err(|error| refuse(ResultReason::GENERAL_FAILURE, &error.to_string()))?;
        Ok(self.insert(ObjectType::SYMMETRIC_KEY, attributes, Some(bytes)))
    }

    fn register(
        &mut self,
        registration: Registration,
        now: Timestamp,
    ) -> Result<UniqueIdentifier, Refusal> {
        let Registration { mut attributes, key } = registration;
        let KeyValue::Plain(material) = key.value else {
            return Err(refuse(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, "not plain"));
        };
        for (tag, value) in [
            (Tag::CRYPTOGRAPHIC_ALGORITHM, key.algorithm.map(|a| a.number().into())),
            (Tag::CRYPTOGRAPHIC_LENGTH, key.length.map(AttributeValue::from)),
        ] {
            if let Some(value) = value
                && attributes.iter().all(|attribute| attribute.name != tag.into())
            {
                attributes.push(Attribute::new(tag.into(), value));
            }
        }
        let attributes = self.kept(attributes, now)?;
        Ok(self.insert(ObjectType::SYMMETRIC_KEY, attributes, Some(material.into_inner())))
    }

    /// What the server keeps of the attributes that a client gives.
    fn kept(
        &self,
        mut attributes: Vec<Attribute>,
        now: Timestamp,
    ) -> Result<Vec<Attribute>, Refusal> {
        self.check_custom(&attributes)?;
        if attributes.iter().any(|attribute| is_read_only(&attribute.name)) {
            return Err(refuse(ResultReason::INVALID_FIELD, "read-only attribute"));
        }
        if self.has(Quirk::DropsCryptographicParameters) {
            attributes.retain(|own| own.name != Tag::CRYPTOGRAPHIC_PARAMETERS.into());
        }
        attributes.push(Attribute::new(Tag::INITIAL_DATE.into(), now));
        attributes.push(Attribute::new(Tag::LAST_CHANGE_DATE.into(), now));
        Ok(attributes)
    }

    fn check_custom(&self, attributes: &[Attribute]) -> Result<(), Refusal> {
        let custom = |own: &Attribute| matches!(own.name, AttributeName::Custom(_));
        if self.has(Quirk::NoCustomAttributes) && attributes.iter().any(custom) {
            return Err(refuse(ResultReason::INVALID_FIELD, "attribute is unsupported"));
        }
        Ok(())
    }

    fn add_attribute(
        &mut self,
        id: &UniqueIdentifier,
        attribute: Attribute,
        now: Timestamp,
        two: bool,
    ) -> Result<(), Refusal> {
        if self.has(Quirk::NoAddAttribute) {
            return Err(refuse(ResultReason::OPERATION_NOT_SUPPORTED, "Add Attribute"));
        }
        let object = self.find(id)?;
        if attribute.name == Tag::NAME.into() {
            object.attributes.push(attribute);
            return Ok(());
        }
        if object.has(&attribute.name) {
            let reason = if two {
                ResultReason::ATTRIBUTE_SINGLE_VALUED
            } else {
                ResultReason::INVALID_FIELD
            };
            return Err(refuse(reason, "already exists"));
        }
        write(object, attribute, now)
    }

    fn revoke(
        &mut self,
        revocation: Revocation,
        now: Timestamp,
    ) -> Result<UniqueIdentifier, Refusal> {
        let object = self.find(&revocation.id)?;
        match revocation.reason {
            RevocationReason::KEY_COMPROMISE | RevocationReason::CA_COMPROMISE => {
                object.set_date(Tag::COMPROMISE_DATE, now);
                let occurred = revocation.occurred.unwrap_or(now);
                object.set_date(Tag::COMPROMISE_OCCURRENCE_DATE, occurred);
            }
            _ if object.state(now) == State::ACTIVE => {
                object.set_date(Tag::DEACTIVATION_DATE, now);
            }
            _ => return Err(refuse(ResultReason::ILLEGAL_OPERATION, "the object is not active")),
        }
        Ok(revocation.id)
    }
}

/// Changes an attribute. A Protect Stop Date that is reached stays (KMIP 1.4, 3.26).
fn write(object: &mut Object, attribute: Attribute, now: Timestamp) -> Result<(), Refusal> {
    let stop = AttributeName::from(Tag::PROTECT_STOP_DATE);
    if is_read_only(&attribute.name) {
        return Err(refuse(ResultReason::PERMISSION_DENIED, "read-only attribute"));
    }
    if attribute.name == stop && object.date(Tag::PROTECT_STOP_DATE).is_some_and(|at| at <= now) {
        return Err(refuse(ResultReason::PERMISSION_DENIED, "the date is already reached"));
    }
    object.set(attribute);
    object.set_date(Tag::LAST_CHANGE_DATE, now);
    Ok(())
}

fn is_read_only(name: &AttributeName) -> bool {
    [Tag::STATE, Tag::INITIAL_DATE, Tag::UNIQUE_IDENTIFIER, Tag::OBJECT_TYPE, Tag::DESTROY_DATE]
        .iter()
        .any(|tag| *name == (*tag).into())
}
