//! The tags this client names. Any other number is carried as it is.

use std::fmt;

/// A tag: what an item means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// Makes a tag of its three bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        let [a, b, c] = bytes;
        Self(u32::from_be_bytes([0, a, b, c]))
    }

    /// Makes a tag of the number that an Attribute Reference carries (KMIP 2.0); the upper byte
    /// is dropped.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number & 0x00ff_ffff)
    }

    /// The three bytes on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// The tag as a number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:06x}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! tags {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl Tag {
            $(#[doc = concat!("`", $text, "`")]
            pub const $name: Self = Self($number);)*

            /// The name in the specification, if this client knows the tag.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

// Numbers: KMIP 1.4, 9.1.3.1 and KMIP 2.0, 11.59.
tags! {
    ACTIVATION_DATE = 0x42_0001, "Activation Date";
    APPLICATION_DATA = 0x42_0002, "Application Data";
    APPLICATION_NAMESPACE = 0x42_0003, "Application Namespace";
    APPLICATION_SPECIFIC_INFORMATION = 0x42_0004, "Application Specific Information";
    ARCHIVE_DATE = 0x42_0005, "Archive Date";
    ATTRIBUTE = 0x42_0008, "Attribute";
    ATTRIBUTE_INDEX = 0x42_0009, "Attribute Index";
    ATTRIBUTE_NAME = 0x42_000a, "Attribute Name";
    ATTRIBUTE_VALUE = 0x42_000b, "Attribute Value";
    BATCH_COUNT = 0x42_000d, "Batch Count";
    BATCH_ERROR_CONTINUATION_OPTION = 0x42_000e, "Batch Error Continuation Option";
    BATCH_ITEM = 0x42_000f, "Batch Item";
    BLOCK_CIPHER_MODE = 0x42_0011, "Block Cipher Mode";
    COMPROMISE_DATE = 0x42_0020, "Compromise Date";
    COMPROMISE_OCCURRENCE_DATE = 0x42_0021, "Compromise Occurrence Date";
    CONTACT_INFORMATION = 0x42_0022, "Contact Information";
    CRYPTOGRAPHIC_ALGORITHM = 0x42_0028, "Cryptographic Algorithm";
    CRYPTOGRAPHIC_LENGTH = 0x42_002a, "Cryptographic Length";
    CRYPTOGRAPHIC_PARAMETERS = 0x42_002b, "Cryptographic Parameters";
    CRYPTOGRAPHIC_USAGE_MASK = 0x42_002c, "Cryptographic Usage Mask";
    DEACTIVATION_DATE = 0x42_002f, "Deactivation Date";
    DESTROY_DATE = 0x42_0033, "Destroy Date";
    DIGEST = 0x42_0034, "Digest";
    HASHING_ALGORITHM = 0x42_0038, "Hashing Algorithm";
    INITIAL_DATE = 0x42_0039, "Initial Date";
    KEY = 0x42_003f, "Key";
    KEY_BLOCK = 0x42_0040, "Key Block";
    KEY_COMPRESSION_TYPE = 0x42_0041, "Key Compression Type";
    KEY_FORMAT_TYPE = 0x42_0042, "Key Format Type";
    KEY_MATERIAL = 0x42_0043, "Key Material";
    KEY_VALUE = 0x42_0045, "Key Value";
    KEY_WRAPPING_DATA = 0x42_0046, "Key Wrapping Data";
    LAST_CHANGE_DATE = 0x42_0048, "Last Change Date";
    LEASE_TIME = 0x42_0049, "Lease Time";
    LINK = 0x42_004a, "Link";
    MAXIMUM_ITEMS = 0x42_004f, "Maximum Items";
    NAME = 0x42_0053, "Name";
    NAME_TYPE = 0x42_0054, "Name Type";
    NAME_VALUE = 0x42_0055, "Name Value";
    OBJECT_GROUP = 0x42_0056, "Object Group";
    OBJECT_TYPE = 0x42_0057, "Object Type";
    OPERATION = 0x42_005c, "Operation";
    OPERATION_POLICY_NAME = 0x42_005d, "Operation Policy Name";
    PADDING_METHOD = 0x42_005f, "Padding Method";
    PROCESS_START_DATE = 0x42_0067, "Process Start Date";
    PROTECT_STOP_DATE = 0x42_0068, "Protect Stop Date";
    PROTOCOL_VERSION = 0x42_0069, "Protocol Version";
    PROTOCOL_VERSION_MAJOR = 0x42_006a, "Protocol Version Major";
    PROTOCOL_VERSION_MINOR = 0x42_006b, "Protocol Version Minor";
    QUERY_FUNCTION = 0x42_0074, "Query Function";
    REQUEST_HEADER = 0x42_0077, "Request Header";
    REQUEST_MESSAGE = 0x42_0078, "Request Message";
    REQUEST_PAYLOAD = 0x42_0079, "Request Payload";
    RESPONSE_HEADER = 0x42_007a, "Response Header";
    RESPONSE_MESSAGE = 0x42_007b, "Response Message";
    RESPONSE_PAYLOAD = 0x42_007c, "Response Payload";
    RESULT_MESSAGE = 0x42_007d, "Result Message";
    RESULT_REASON = 0x42_007e, "Result Reason";
    RESULT_STATUS = 0x42_007f, "Result Status";
    REVOCATION_MESSAGE = 0x42_0080, "Revocation Message";
    REVOCATION_REASON = 0x42_0081, "Revocation Reason";
    REVOCATION_REASON_CODE = 0x42_0082, "Revocation Reason Code";
    KEY_ROLE_TYPE = 0x42_0083, "Key Role Type";
    SERVER_INFORMATION = 0x42_0088, "Server Information";
    STATE = 0x42_008d, "State";
    SYMMETRIC_KEY = 0x42_008f, "Symmetric Key";
    TEMPLATE_ATTRIBUTE = 0x42_0091, "Template-Attribute";
    TIME_STAMP = 0x42_0092, "Time Stamp";
    UNIQUE_BATCH_ITEM_ID = 0x42_0093, "Unique Batch Item ID";
    UNIQUE_IDENTIFIER = 0x42_0094, "Unique Identifier";
    USAGE_LIMITS = 0x42_0095, "Usage Limits";
    VENDOR_IDENTIFICATION = 0x42_009d, "Vendor Identification";
    FRESH = 0x42_00a8, "Fresh";
    ORIGINAL_CREATION_DATE = 0x42_00bc, "Original Creation Date";
    ALTERNATIVE_NAME = 0x42_00bf, "Alternative Name";
    RANDOM_IV = 0x42_00c5, "Random IV";
    OFFSET_ITEMS = 0x42_00d4, "Offset Items";
    LOCATED_ITEMS = 0x42_00d5, "Located Items";
    DESCRIPTION = 0x42_00fc, "Description";
    COMMENT = 0x42_00fd, "Comment";
    SENSITIVE = 0x42_0120, "Sensitive";
    ALWAYS_SENSITIVE = 0x42_0121, "Always Sensitive";
    EXTRACTABLE = 0x42_0122, "Extractable";
    NEVER_EXTRACTABLE = 0x42_0123, "Never Extractable";
    ATTRIBUTES = 0x42_0125, "Attributes";
    ATTRIBUTE_REFERENCE = 0x42_013b, "Attribute Reference";
    CURRENT_ATTRIBUTE = 0x42_013c, "Current Attribute";
    NEW_ATTRIBUTE = 0x42_013d, "New Attribute";
}
