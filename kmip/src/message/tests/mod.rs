mod oasis;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::fuzzing;
use crate::ttlv::{self, Writer};

const KEY_ID: &str = "21d28b8a-06df-43c0-b72f-2a161633ada9";

/// Every OASIS message, with a name to show on failure.
const OASIS: [(&str, &str); 11] = [
    ("create request", oasis::CREATE_REQUEST),
    ("create reply", oasis::CREATE_REPLY),
    ("attributes request", oasis::ATTR_REQUEST),
    ("attributes reply", oasis::ATTR_REPLY),
    ("activate request", oasis::ACTIVATE_REQUEST),
    ("activate reply", oasis::ACTIVATE_REPLY),
    ("locate reply", oasis::LOCATE_REPLY),
    ("get request", oasis::GET_REQUEST),
    ("get reply", oasis::GET_REPLY),
    ("revoke request", oasis::REVOKE_REQUEST),
    ("template request", oasis::TEMPLATE_REQUEST),
];

fn v1_0(request: Request) -> Vec<u8> {
    bytes(&RequestMessage::single(ProtocolVersion::V1_0, request))
}

fn bytes(message: &RequestMessage) -> Vec<u8> {
    message.encode().unwrap().as_slice().to_vec()
}

fn reply(text: &str) -> ReplyItem {
    let mut message = ReplyMessage::decode(&hex(text)).unwrap();
    assert_eq!(message.version, ProtocolVersion::V1_0);
    assert_eq!(message.time.map(Timestamp::seconds), Some(0x4afb_ed2b));
    assert_eq!(message.items.len(), 1);
    message.items.remove(0)
}

#[test]
fn oasis_1_0_use_case_4_1_step_1_create() {
    let attributes = vec![
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), CryptographicAlgorithm::AES.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 128),
        Attribute::new(Tag::NAME.into(), AttributeValue::name("Key1")),
        Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), usage::ENCRYPT),
    ];
    let request = Request::Create(NewKey { template: None, attributes });
    assert_eq!(v1_0(request), hex(oasis::CREATE_REQUEST));
    let item = reply(oasis::CREATE_REPLY);
    assert!(matches!(item.result, Ok(Reply::Done(Operation::CREATE, id)) if id == KEY_ID.into()));
}

#[test]
fn oasis_1_0_use_case_3_1_2_step_2_create_with_a_template() {
    let attributes = vec![
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), CryptographicAlgorithm::AES.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 128),
        Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), usage::ENCRYPT | usage::DECRYPT),
        Attribute::new(Tag::NAME.into(), AttributeValue::name("Key1")),
    ];
    let request = Request::Create(NewKey { template: Some("Template1".into()), attributes });
    let message = RequestMessage::single(ProtocolVersion::V1_1, request);
    assert_eq!(bytes(&message), hex(oasis::TEMPLATE_REQUEST));
}

#[test]
fn oasis_1_0_use_case_4_1_step_2_get_attributes() {
    let request = Request::GetAttributes(KEY_ID.into(), vec![Tag::STATE.into()]);
    assert_eq!(v1_0(request), hex(oasis::ATTR_REQUEST));
    let Ok(Reply::GetAttributes(id, attributes)) = reply(oasis::ATTR_REPLY).result else {
        panic!("not attributes");
    };
    assert_eq!((id.as_str(), attributes.state()), (KEY_ID, Some(State::PRE_ACTIVE)));
}

#[test]
fn oasis_1_0_use_case_4_1_steps_3_and_5_activate_and_locate() {
    assert_eq!(v1_0(Request::Activate(KEY_ID.into())), hex(oasis::ACTIVATE_REQUEST));
    assert!(matches!(
        reply(oasis::ACTIVATE_REPLY).result,
        Ok(Reply::Done(Operation::ACTIVATE, id)) if id.as_str() == KEY_ID
    ));
    assert!(matches!(
        reply(oasis::LOCATE_REPLY).result,
        Ok(Reply::Locate(Located { ids, total: None })) if ids == [KEY_ID.into()]
    ));
}

#[test]
fn oasis_1_0_use_case_4_1_step_6_get() {
    assert_eq!(v1_0(Request::Get(KEY_ID.into())), hex(oasis::GET_REQUEST));
    let Ok(Reply::Get(got)) = reply(oasis::GET_REPLY).result else { panic!("not a key") };
    assert_eq!(got.object_type, Some(ObjectType::SYMMETRIC_KEY));
    let key = got.key.unwrap();
    assert_eq!(key.algorithm, Some(CryptographicAlgorithm::AES));
    assert_eq!((key.format, key.length), (KeyFormatType::RAW, Some(128)));
    let KeyValue::Plain(material) = key.value else { panic!("no bytes") };
    assert_eq!(material.expose(), hex("ef7833ab15f5a1ee5874bc0d9bbc4be7"));
    assert_eq!(format!("{material:?}"), "KeyMaterial(redacted)");
}

#[test]
fn oasis_1_0_use_case_4_1_step_7_revoke() {
    let request = Request::Revoke(Revocation {
        id: KEY_ID.into(),
        reason: RevocationReason::KEY_COMPROMISE,
        message: None,
        occurred: Some(Timestamp::from_seconds(6)),
    });
    assert_eq!(v1_0(request), hex(oasis::REVOKE_REQUEST));
}

#[test]
fn oasis_messages_decode_and_encode_byte_for_byte() {
    for (name, text) in OASIS {
        let message = hex(text);
        let again = if name.ends_with("request") {
            RequestMessage::decode(&message).unwrap().encode()
        } else {
            ReplyMessage::decode(&message).unwrap().encode()
        };
        assert_eq!(again.unwrap().as_slice(), message, "{name}");
    }
}

#[test]
fn every_prefix_of_a_real_message_is_refused() {
    for (name, message) in real_messages() {
        for length in 0..message.len() {
            let prefix = message.get(..length).unwrap();
            assert!(RequestMessage::decode(prefix).is_err(), "{name} cut to {length}");
            assert!(ReplyMessage::decode(prefix).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn every_change_of_one_byte_of_a_real_message_decodes_or_errs() {
    for mut message in a_few_real_messages() {
        for at in 0..message.len() {
            let original = message[at];
            for byte in 0..=u8::MAX {
                message[at] = byte;
                if ttlv::parse(&message).is_ok() {
                    fuzzing::ttlv(&message);
                    fuzzing::request(&message);
                    fuzzing::reply(&message);
                } else {
                    assert!(RequestMessage::decode(&message).is_err());
                    assert!(ReplyMessage::decode(&message).is_err());
                }
            }
            message[at] = original;
        }
    }
}

#[test]
fn kmip_2_forms_come_back() {
    for version in [ProtocolVersion::V2_0, ProtocolVersion::V2_1, ProtocolVersion::V1_4] {
        for request in requests(version) {
            let wanted = format!("{request:?}");
            let message = RequestMessage::single(version, request);
            let decoded = RequestMessage::decode(&bytes(&message)).unwrap();
            assert_eq!(decoded.version, version);
            assert_eq!(format!("{:?}", decoded.items[0].request), wanted, "{version}");
        }
        for reply in replies() {
            let wanted = format!("{reply:?}");
            let decoded = ReplyMessage::decode(&reply_bytes(version, Ok(reply))).unwrap();
            assert_eq!(format!("{:?}", decoded.items[0].result.as_ref().unwrap()), wanted);
        }
    }
}

#[test]
fn a_custom_attribute_is_a_vendor_attribute_in_2_x() {
    let message = RequestMessage::single(
        ProtocolVersion::V2_0,
        Request::Locate(Locate { attributes: vec![namespace()], maximum: None, offset: None }),
    );
    let encoded = bytes(&message);
    let contains = |text: &str| encoded.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("key-namespace") && !contains("x-key-namespace"));
    let vendor = hex("42009d07000000017800000000000000");
    assert!(encoded.windows(16).any(|part| part == vendor));
}

#[test]
fn versions_refuse_what_they_lack() {
    let refused = |version, request| {
        let error = RequestMessage::single(version, request).encode().unwrap_err();
        assert!(matches!(error, MessageError::NotInVersion { .. }), "{error}");
    };
    refused(ProtocolVersion::V1_0, Request::DiscoverVersions(vec![]));
    refused(ProtocolVersion::V1_4, Request::SetAttribute(KEY_ID.into(), namespace()));
    let paged = Locate { offset: Some(1), ..Locate::default() };
    refused(ProtocolVersion::V1_2, Request::Locate(paged));
    let template = NewKey { template: Some("T".into()), ..NewKey::default() };
    refused(ProtocolVersion::V2_0, Request::Create(template));
}

#[test]
fn unknown_things_in_replies_do_not_fail_them() {
    let mut writer = Writer::new();
    writer.structure(Tag::RESPONSE_MESSAGE, |message| {
        message.structure(Tag::RESPONSE_HEADER, |header| {
            ProtocolVersion { major: 3, minor: 7 }.encode(header);
            header.text(Tag::from_number(0x42_fffe), "new");
        });
        message.structure(Tag::BATCH_ITEM, |item| {
            item.enumeration(Tag::OPERATION, 0x7777);
            item.enumeration(Tag::RESULT_STATUS, 0);
            item.structure(Tag::RESPONSE_PAYLOAD, |payload| {
                payload.integer(Tag::from_number(0x54_0001), 1);
            });
        });
        message.structure(Tag::BATCH_ITEM, |item| {
            item.enumeration(Tag::RESULT_STATUS, 1);
            item.enumeration(Tag::RESULT_REASON, 0x9999);
            item.text(Tag::RESULT_MESSAGE, "no\u{1b}[31m");
        });
        message.structure(Tag::BATCH_ITEM, |item| {
            item.enumeration(Tag::OPERATION, Operation::GET_ATTRIBUTES.number());
            item.enumeration(Tag::RESULT_STATUS, 0);
            item.structure(Tag::RESPONSE_PAYLOAD, odd_attributes);
        });
    });
    let message = ReplyMessage::decode(writer.finish().unwrap().as_slice()).unwrap();
    assert!(matches!(message.items[0].result, Ok(Reply::Other(op)) if op.number() == 0x7777));
    let refusal = message.items[1].result.as_ref().unwrap_err();
    assert_eq!(refusal.to_string(), "reason 39321: no\\u{1b}[31m");
    let Ok(Reply::GetAttributes(_, attributes)) = &message.items[2].result else { panic!() };
    assert_eq!(attributes.state().map(State::number), Some(99));
    assert_eq!((attributes.length(), attributes.as_slice().len()), (None, 4));
}

/// Attributes with an unknown name, an unknown number, an unexpected type, an unknown structure
/// and no value.
fn odd_attributes(payload: &mut Writer) {
    payload.text(Tag::UNIQUE_IDENTIFIER, "1");
    let mut attribute = |name: &str, fill: &dyn Fn(&mut Writer)| {
        payload.structure(Tag::ATTRIBUTE, |inner| {
            inner.text(Tag::ATTRIBUTE_NAME, name);
            fill(inner);
        });
    };
    attribute("Colour", &|inner| inner.text(Tag::ATTRIBUTE_VALUE, "blue"));
    attribute("State", &|inner| inner.enumeration(Tag::ATTRIBUTE_VALUE, 99));
    attribute("Cryptographic Length", &|inner| inner.text(Tag::ATTRIBUTE_VALUE, "128"));
    attribute("Digest", &|inner| {
        inner.structure(Tag::ATTRIBUTE_VALUE, |digest| digest.integer(Tag::KEY, 1));
    });
    attribute("Name", &|_nothing| {});
}

#[test]
fn an_error_without_operation_or_payload_is_an_answer() {
    let item = ReplyItem {
        operation: None,
        batch_id: None,
        result: Err(Refusal {
            status: ResultStatus::OPERATION_FAILED,
            reason: Some(ResultReason::INVALID_MESSAGE),
            message: None,
        }),
    };
    let message = ReplyMessage { version: ProtocolVersion::V1_0, time: None, items: vec![item] };
    let decoded = ReplyMessage::decode(message.encode().unwrap().as_slice()).unwrap();
    assert_eq!(decoded.items[0].result.as_ref().unwrap_err().to_string(), "Invalid Message (4)");
}

#[test]
fn a_wrapped_key_and_another_object_are_told_apart() {
    let key = |value| SymmetricKey {
        format: KeyFormatType::RAW,
        value,
        algorithm: Some(CryptographicAlgorithm::AES),
        length: Some(128),
    };
    let decode = |got| {
        let bytes = reply_bytes(ProtocolVersion::V1_4, Ok(Reply::Get(got)));
        match ReplyMessage::decode(&bytes).unwrap().items.remove(0).result {
            Ok(Reply::Get(got)) => got,
            other => panic!("{other:?}"),
        }
    };
    let got = |kind, key| Got { object_type: Some(kind), id: "1".into(), key };
    let wrapped = decode(got(ObjectType::SYMMETRIC_KEY, Some(key(KeyValue::Wrapped))));
    assert!(matches!(wrapped.key.unwrap().value, KeyValue::Wrapped));
    let secret = decode(got(ObjectType::SECRET_DATA, None));
    assert!(secret.key.is_none());
    let told = decode(Got { object_type: None, id: "1".into(), key: Some(key(KeyValue::Absent)) });
    assert_eq!(told.object_type, None, "0 on the wire is no type");
    assert!(matches!(told.key.unwrap().value, KeyValue::Absent), "no key, and no error either");
    let mut transparent = key(KeyValue::Plain(KeyMaterial::new(Zeroizing::new(vec![7; 16]))));
    transparent.format = KeyFormatType::TRANSPARENT_SYMMETRIC_KEY;
    let transparent = decode(got(ObjectType::SYMMETRIC_KEY, Some(transparent)));
    let KeyValue::Plain(material) = transparent.key.unwrap().value else { panic!() };
    assert_eq!(material.expose(), [7; 16]);
}

#[test]
fn debug_of_messages_shows_no_key() {
    let message = RequestMessage::single(ProtocolVersion::V1_4, registration());
    assert!(!format!("{message:?}").contains("165"), "{message:?}");
    assert!(!format!("{:?}", ReplyMessage::decode(&hex(oasis::GET_REPLY))).contains("239"));
}

#[test]
fn a_server_that_the_database_would_refuse_is_named() {
    let mut features = features();
    assert_eq!(features.missing_for_the_database(), Vec::<String>::new());
    features.operations.retain(|operation| *operation != Operation::ADD_ATTRIBUTE);
    features.object_types.clear();
    assert_eq!(
        features.missing_for_the_database(),
        ["operation Add Attribute", "object type Symmetric Key"]
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_decode_or_err(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        fuzzing::ttlv(&bytes);
        fuzzing::request(&bytes);
        fuzzing::reply(&bytes);
    }

    #[test]
    fn mutated_messages_decode_or_err(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut messages = real_messages();
        let (_name, message) = which.get_mut(&mut messages);
        for (at, byte) in edits {
            *at.get_mut(message) = byte;
        }
        fuzzing::request(message);
        fuzzing::reply(message);
    }

    #[test]
    fn attributes_of_any_kind_come_back(
        name in "[ -~]{1,20}",
        text in "\\PC{0,30}",
        number: u32,
        date: i64,
    ) {
        let attributes = vec![
            Attribute::new(AttributeName::Custom(format!("x-{name}")), text.as_str()),
            Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), number),
            Attribute::new(Tag::PROTECT_STOP_DATE.into(), Timestamp::from_seconds(date)),
            Attribute::new(Tag::NAME.into(), AttributeValue::name(text)),
        ];
        for version in [ProtocolVersion::V1_2, ProtocolVersion::V2_1] {
            let reply = Reply::GetAttributes("1".into(), Attributes::new(attributes.clone()));
            let decoded = ReplyMessage::decode(&reply_bytes(version, Ok(reply))).unwrap();
            match &decoded.items[0].result {
                Ok(Reply::GetAttributes(_, found)) => prop_assert_eq!(found.as_slice(), &attributes[..]),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

/// One message of each shape: all of them times 256 values would take a minute.
fn a_few_real_messages() -> Vec<Vec<u8>> {
    let wanted = ["create request", "get reply", "revoke request", "attributes reply"];
    let is_wanted = |name: &str| wanted.contains(&name) || name.ends_with("in 2.0");
    real_messages().into_iter().filter(|(name, _)| is_wanted(name)).map(|(_, m)| m).collect()
}

fn real_messages() -> Vec<(String, Vec<u8>)> {
    let mut messages: Vec<_> =
        OASIS.iter().map(|(name, text)| ((*name).to_owned(), hex(text))).collect();
    for version in [ProtocolVersion::V1_4, ProtocolVersion::V2_0] {
        for request in requests(version) {
            let name = format!("{} request in {version}", request.operation());
            messages.push((name, bytes(&RequestMessage::single(version, request))));
        }
        for reply in replies() {
            let name = format!("{} reply in {version}", reply.operation());
            messages.push((name, reply_bytes(version, Ok(reply))));
        }
    }
    messages
}

fn requests(version: ProtocolVersion) -> Vec<Request> {
    let attributes = vec![
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), CryptographicAlgorithm::AES.number()),
        Attribute::new(
            Tag::CRYPTOGRAPHIC_PARAMETERS.into(),
            CryptographicParameters {
                mode: Some(BlockCipherMode::CBC),
                padding: Some(PaddingMethod::PKCS5),
                ..CryptographicParameters::default()
            },
        ),
        namespace(),
    ];
    let template = Some("T".to_owned()).filter(|_| !version.has_tagged_attributes());
    let revocation = Revocation {
        id: KEY_ID.into(),
        reason: RevocationReason::SUPERSEDED,
        message: Some("rotated".into()),
        occurred: None,
    };
    let locate = Locate { attributes: attributes.clone(), maximum: Some(10), offset: Some(20) };
    let stop = Attribute::new(Tag::PROTECT_STOP_DATE.into(), Timestamp::from_seconds(1));
    let mut requests = vec![
        Request::DiscoverVersions(ProtocolVersion::SPOKEN.to_vec()),
        Request::Query(vec![QueryFunction::OPERATIONS, QueryFunction::OBJECTS]),
        Request::Locate(locate),
        Request::Get(KEY_ID.into()),
        Request::GetAttributes(KEY_ID.into(), vec![Tag::STATE.into(), namespace().name]),
        Request::GetAttributeList(KEY_ID.into()),
        Request::Create(NewKey { template, attributes }),
        registration(),
        Request::Activate(KEY_ID.into()),
        Request::AddAttribute(KEY_ID.into(), stop.clone()),
        Request::ModifyAttribute(KEY_ID.into(), namespace()),
        Request::Revoke(revocation),
        Request::Destroy(KEY_ID.into()),
    ];
    if version.has_tagged_attributes() {
        requests.push(Request::SetAttribute(KEY_ID.into(), stop));
    }
    requests
}

fn replies() -> Vec<Reply> {
    let key = SymmetricKey::raw(
        KeyMaterial::new(Zeroizing::new(vec![165; 16])),
        CryptographicAlgorithm::AES,
        128,
    );
    vec![
        Reply::DiscoverVersions(vec![ProtocolVersion::V1_4, ProtocolVersion::V1_2]),
        Reply::Query(features()),
        Reply::Locate(Located { ids: vec!["1".into(), "2".into()], total: Some(7) }),
        Reply::Get(Got {
            object_type: Some(ObjectType::SYMMETRIC_KEY),
            id: "1".into(),
            key: Some(key),
        }),
        Reply::GetAttributes("1".into(), Attributes::new(vec![namespace()])),
        Reply::GetAttributeList("1".into(), vec![Tag::STATE.into(), namespace().name]),
        Reply::Done(Operation::CREATE, "1".into()),
        Reply::Done(Operation::DESTROY, "1".into()),
    ]
}

fn registration() -> Request {
    Request::Register(Registration {
        attributes: vec![namespace()],
        key: SymmetricKey::raw(
            KeyMaterial::new(Zeroizing::new(vec![165; 16])),
            CryptographicAlgorithm::AES,
            128,
        ),
    })
}

fn features() -> ServerFeatures {
    ServerFeatures {
        operations: vec![
            Operation::LOCATE,
            Operation::GET,
            Operation::GET_ATTRIBUTES,
            Operation::CREATE,
            Operation::ACTIVATE,
            Operation::ADD_ATTRIBUTE,
        ],
        object_types: vec![ObjectType::SYMMETRIC_KEY],
        vendor: Some("Acme".into()),
    }
}

fn namespace() -> Attribute {
    Attribute::new(AttributeName::custom("x-key-namespace"), "ns")
}

fn reply_bytes(version: ProtocolVersion, result: Result<Reply, Refusal>) -> Vec<u8> {
    let operation = result.as_ref().ok().map(Reply::operation);
    let item = ReplyItem { operation, batch_id: Some(vec![1]), result };
    let message = ReplyMessage { version, time: None, items: vec![item] };
    message.encode().unwrap().as_slice().to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
