#![expect(clippy::arithmetic_side_effects, reason = "sizes of a few test messages")]

use proptest::prelude::*;

use super::*;

/// The tag of the specification's examples.
const EXAMPLE: Tag = Tag::COMPROMISE_DATE;

/// KMIP 1.4, 9.1.2: one example for each type.
fn spec_examples() -> Vec<(&'static str, Value<'static>)> {
    vec![
        ("42002002000000040000000800000000", Value::Integer(8)),
        ("420020030000000801b69b4ba5749200", Value::LongInteger(123_456_789_000_000_000)),
        (
            "42002004000000100000000003fd35eb6bc2df4618080000",
            Value::BigInteger(&[
                0, 0, 0, 0, 0x03, 0xfd, 0x35, 0xeb, 0x6b, 0xc2, 0xdf, 0x46, 0x18, 0x08, 0, 0,
            ]),
        ),
        ("4200200500000004000000ff00000000", Value::Enumeration(255)),
        ("42002006000000080000000000000001", Value::Boolean(true)),
        ("420020070000000b48656c6c6f20576f726c640000000000", Value::TextString(b"Hello World")),
        ("42002008000000030102030000000000", Value::ByteString(&[1, 2, 3])),
        ("42002009000000080000000047da67f8", Value::DateTime(1_205_495_800)),
        ("4200200a00000004000d2f0000000000", Value::Interval(864_000)),
    ]
}

#[test]
fn the_examples_of_the_specification_decode_and_encode() {
    for (text, value) in spec_examples() {
        let bytes = hex(text);
        assert_eq!(parse(&bytes), Ok(Item { tag: EXAMPLE, value }), "{text}");
        let mut writer = Writer::new();
        writer.value(EXAMPLE, value);
        assert_eq!(writer.finish().unwrap().as_slice(), bytes, "{text}");
    }
}

#[test]
fn the_structure_of_the_specification_decodes_and_encodes() {
    let bytes = hex("42002001000000204200040500000004000000fe000000004200050200000004000000ff\
                     00000000");
    let structure = parse(&bytes).unwrap().structure().unwrap();
    let items: Vec<_> = structure.items().map(|item| (item.tag, item.value)).collect();
    let (first, second) = (Tag::from_number(0x42_0004), Tag::from_number(0x42_0005));
    assert_eq!(items, [(first, Value::Enumeration(254)), (second, Value::Integer(255))]);
    assert_eq!(structure.find(second).unwrap().integer(), Some(255));
    assert_eq!(structure.find(EXAMPLE), None);
    let mut writer = Writer::new();
    writer.structure(EXAMPLE, |inner| {
        inner.enumeration(first, 254);
        inner.integer(second, 255);
    });
    assert_eq!(writer.finish().unwrap().as_slice(), bytes);
}

#[test]
fn wrong_lengths_and_padding_are_refused() {
    for (text, error) in [
        ("42002002000000080000000800000000", TtlvError::BadLength(EXAMPLE)),
        ("42002003000000040000000800000000", TtlvError::BadLength(EXAMPLE)),
        ("4200200400000000", TtlvError::BadLength(EXAMPLE)),
        ("42002004000000040000000800000000", TtlvError::BadLength(EXAMPLE)),
        ("42002006000000080000000000000002", TtlvError::BadBoolean(EXAMPLE)),
        ("42002008000000030102030000000001", TtlvError::BadPadding(EXAMPLE)),
        ("42002002000000040000000800000001", TtlvError::BadPadding(EXAMPLE)),
        ("42002001000000040000000000000000", TtlvError::BadLength(EXAMPLE)),
        ("420020020000000400000008", TtlvError::MissingData),
        ("42002001ffffffff", TtlvError::MissingData),
        ("42002008ffffffff00", TtlvError::MissingData),
        ("4200200200000004000000080000000000", TtlvError::TrailingBytes),
        ("", TtlvError::MissingData),
    ] {
        assert_eq!(parse(&hex(text)), Err(error), "{text}");
    }
}

#[test]
fn empty_values_and_unknown_types_pass() {
    assert_eq!(parse(&hex("4200200700000000")).unwrap().text(), Ok(Some("")));
    assert_eq!(parse(&hex("4200200100000000")).unwrap().structure().unwrap().items().count(), 0);
    let unknown = hex("54abcd7f00000002beef000000000000");
    let item = parse(&unknown).unwrap();
    assert_eq!(item.value, Value::Unknown(0x7f, &[0xbe, 0xef]));
    assert_eq!(item.tag.to_string(), "54abcd");
}

#[test]
fn text_that_is_not_utf_8_spoils_only_itself() {
    let bytes = hex("4200530700000002c328000000000000");
    let item = parse(&bytes).unwrap();
    assert_eq!(item.text(), Err(TtlvError::NotText(Tag::NAME)));
    assert_eq!(item.text_lossy().unwrap(), "\u{fffd}(");
}

#[test]
fn depth_is_bounded() {
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(TtlvError::TooDeep));
    assert_eq!(parse(&nested(20_000)), Err(TtlvError::TooDeep));
}

#[test]
fn the_number_of_items_is_bounded() {
    let mut writer = Writer::new();
    writer.structure(EXAMPLE, |inner| {
        for _ in 0..MAX_ITEMS {
            inner.text(EXAMPLE, "");
        }
    });
    let bytes = writer.finish().unwrap();
    assert_eq!(parse(bytes.as_slice()), Err(TtlvError::TooManyItems));
}

#[test]
fn the_length_of_a_message_is_bounded_both_ways() {
    let mut writer = Writer::new();
    writer.byte_string(EXAMPLE, &vec![0; MAX_MESSAGE]);
    assert_eq!(writer.finish().unwrap_err(), TtlvError::TooLong);
    assert_eq!(parse(&vec![0; MAX_MESSAGE + 1]), Err(TtlvError::TooLong));
}

#[test]
fn debug_never_shows_text_or_bytes() {
    let mut writer = Writer::new();
    writer.structure(Tag::KEY_BLOCK, |inner| {
        inner.byte_string(Tag::KEY_MATERIAL, b"hunter2!");
        inner.text(Tag::NAME_VALUE, "hunter2!");
        inner.value(Tag::KEY, Value::BigInteger(b"hunter2!"));
        inner.value(Tag::KEY, Value::Unknown(0x44, b"hunter2!"));
        inner.integer(Tag::CRYPTOGRAPHIC_LENGTH, 128);
    });
    let bytes = writer.finish().unwrap();
    let shown = format!("{:?} {bytes:?}", parse(bytes.as_slice()).unwrap());
    assert!(!shown.contains("hunter") && !shown.contains("104, 117"), "{shown}");
    assert!(shown.contains("Cryptographic Length: 128"), "{shown}");
}

/// An owned item, for generating.
#[derive(Debug, Clone)]
enum Node {
    Leaf(u32, u8, Vec<u8>),
    Structure(u32, Vec<Self>),
}

impl Node {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Leaf(tag, kind, bytes) => {
                let word = |n: usize| {
                    let mut word = [0; 8];
                    for (place, byte) in word.iter_mut().zip(bytes.iter().take(n)) {
                        *place = *byte;
                    }
                    word
                };
                let long = i64::from_be_bytes(word(8));
                let short = i32::from_be_bytes(word(4)[..4].try_into().unwrap());
                let tag = Tag::from_number(*tag);
                writer.value(
                    tag,
                    match kind {
                        2 => Value::Integer(short),
                        3 => Value::LongInteger(long),
                        4 => Value::BigInteger(&[7; 16]),
                        5 => Value::Enumeration(short.cast_unsigned()),
                        6 => Value::Boolean(long & 1 == 1),
                        7 => Value::TextString(bytes),
                        8 => Value::ByteString(bytes),
                        9 => Value::DateTime(long),
                        10 => Value::Interval(short.cast_unsigned()),
                        11 => Value::DateTimeExtended(long),
                        other => Value::Unknown(*other, bytes),
                    },
                );
            }
            Self::Structure(tag, nodes) => writer.structure(Tag::from_number(*tag), |inner| {
                nodes.iter().for_each(|node| node.write(inner));
            }),
        }
    }
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (any::<u32>(), 2_u8..=255, prop::collection::vec(any::<u8>(), 0..20))
        .prop_map(|(tag, kind, bytes)| Node::Leaf(tag, kind, bytes));
    leaf.prop_recursive(6, 64, 8, |inner| {
        (any::<u32>(), prop::collection::vec(inner, 0..8))
            .prop_map(|(tag, nodes)| Node::Structure(tag, nodes))
    })
}

/// Writes what was read.
fn rewrite(item: &Item<'_>, writer: &mut Writer) {
    match item.value {
        Value::Structure(structure) => writer.structure(item.tag, |inner| {
            structure.items().for_each(|item| rewrite(&item, inner));
        }),
        value => writer.value(item.tag, value),
    }
}

proptest! {
    #[test]
    fn items_round_trip(node in node()) {
        let mut writer = Writer::new();
        node.write(&mut writer);
        let bytes = writer.finish().unwrap();
        let mut again = Writer::new();
        rewrite(&parse(bytes.as_slice()).unwrap(), &mut again);
        let again = again.finish().unwrap();
        prop_assert_eq!(bytes.as_slice(), again.as_slice());
    }

    #[test]
    fn whatever_parses_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(item) = parse(&bytes) {
            let mut again = Writer::new();
            rewrite(&item, &mut again);
            let again = again.finish().unwrap();
            prop_assert_eq!(&bytes[..], again.as_slice());
        }
    }

    #[test]
    fn a_flipped_byte_errs_or_stays_canonical(node in node(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut writer = Writer::new();
        node.write(&mut writer);
        let mut bytes = writer.finish().unwrap().as_slice().to_vec();
        *at.get_mut(&mut bytes) = byte;
        if let Ok(item) = parse(&bytes) {
            let mut again = Writer::new();
            rewrite(&item, &mut again);
            let again = again.finish().unwrap();
            prop_assert_eq!(&bytes[..], again.as_slice());
        }
    }
}

fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in 0..levels {
        bytes.extend(hex("42002001"));
        bytes.extend(u32::try_from((levels - level - 1) * 8).unwrap().to_be_bytes());
    }
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
