//! The objects of a server in a file, so that they survive a killed server.
//!
//! The file is a KMIP reply: what the server would answer about its objects, one after the other.
//!
//! ```text
//! Get Attributes   everything but the state, which follows from dates
//! Get              the key; absent after an object that has none, or whose key is destroyed
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rekey_kmip::message::{
    Attribute, Attributes, CryptographicAlgorithm, Got, KeyMaterial, KeyValue, Operation,
    ProtocolVersion, Reply, ReplyItem, ReplyMessage, SymmetricKey,
};
use rekey_kmip::ttlv::Tag;
use zeroize::Zeroizing;

use crate::object::{Key, Object};

/// Where the objects are kept, readable by their owner only.
#[derive(Debug)]
pub(crate) struct ObjectFile(PathBuf);

impl ObjectFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The objects; none when there is no file yet.
    pub(crate) fn load(&self) -> io::Result<Vec<Object>> {
        match std::fs::read(&self.0) {
            Ok(bytes) => decode(&Zeroizing::new(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file. If the process or the machine dies, it is either the old one or the new
    /// one.
    #[expect(clippy::disallowed_methods, reason = "a file of the simulator's own")]
    pub(crate) fn save(&self, objects: &[Object]) -> io::Result<()> {
        let bytes = encode(objects).encode().map_err(io::Error::other)?;
        let mut name = self.0.clone().into_os_string();
        name.push(".new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&name)?;
        file.write_all(bytes.as_slice())?;
        file.sync_all()?;
        std::fs::rename(&name, &self.0)?;
        File::open(self.0.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

fn encode(objects: &[Object]) -> ReplyMessage {
    let done = |reply: Reply| ReplyItem {
        operation: Some(reply.operation()),
        batch_id: None,
        result: Ok(reply),
    };
    let mut items = Vec::new();
    for object in objects {
        let kind = Attribute::new(Tag::OBJECT_TYPE.into(), object.kind.number());
        let attributes = [kind].into_iter().chain(object.attributes.iter().cloned()).collect();
        items.push(done(Reply::GetAttributes(object.id.clone(), attributes)));
        if let Some(bytes) = object.key.0.clone() {
            let told: Attributes = object.attributes.iter().cloned().collect();
            let algorithm = told.algorithm().unwrap_or(CryptographicAlgorithm::AES);
            let length = told.length().unwrap_or_default();
            let key = SymmetricKey::raw(KeyMaterial::new(bytes), algorithm, length);
            let got = Got { object_type: Some(object.kind), id: object.id.clone(), key: Some(key) };
            items.push(done(Reply::Get(got)));
        }
    }
    ReplyMessage { version: ProtocolVersion::V1_4, time: None, items }
}

fn decode(bytes: &[u8]) -> io::Result<Vec<Object>> {
    let strange = || io::Error::other("not a file of this simulator's objects");
    let message = ReplyMessage::decode(bytes).map_err(io::Error::other)?;
    let mut objects: Vec<Object> = Vec::new();
    for item in message.items {
        match item.result {
            Ok(Reply::GetAttributes(id, attributes)) => {
                let kind = attributes.object_type().ok_or_else(strange)?;
                let mut attributes = attributes.into_vec();
                attributes.retain(|own| own.name != Tag::OBJECT_TYPE.into());
                objects.push(Object { id, kind, attributes, key: Key(None) });
            }
            Ok(Reply::Get(Got { id, key: Some(key), .. })) => {
                let KeyValue::Plain(material) = key.value else { return Err(strange()) };
                let object = objects.last_mut().filter(|object| object.id == id);
                object.ok_or_else(strange)?.key = Key(Some(material.into_inner()));
            }
            _ => return Err(strange()),
        }
    }
    Ok(objects)
}

/// Whether an operation changes the content of the file.
pub(crate) const fn is_change(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::DISCOVER_VERSIONS
            | Operation::QUERY
            | Operation::LOCATE
            | Operation::GET
            | Operation::GET_ATTRIBUTES
            | Operation::GET_ATTRIBUTE_LIST
    )
}
