//! Enumerations as numbers with names. A number that is not listed here is kept, never refused.

use std::fmt;

macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident { $($konst:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            $(#[doc = $text]
            pub const $konst: Self = Self($number);)*

            /// Every value that has a name here.
            pub const ALL: &'static [Self] = &[$(Self::$konst),*];

            /// Keeps any number, known or not.
            #[must_use]
            pub const fn from_number(number: u32) -> Self {
                Self(number)
            }

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                self.0
            }

            /// The name in the specification, if this crate knows the number.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }

            /// The value of that name, ignoring ASCII case.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.name().is_some_and(|text| text.eq_ignore_ascii_case(name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#x}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.27.
    Operation {
        CREATE = 0x01, "Create";
        CREATE_KEY_PAIR = 0x02, "Create Key Pair";
        REGISTER = 0x03, "Register";
        REKEY = 0x04, "Re-key";
        LOCATE = 0x08, "Locate";
        CHECK = 0x09, "Check";
        GET = 0x0a, "Get";
        GET_ATTRIBUTES = 0x0b, "Get Attributes";
        GET_ATTRIBUTE_LIST = 0x0c, "Get Attribute List";
        ADD_ATTRIBUTE = 0x0d, "Add Attribute";
        MODIFY_ATTRIBUTE = 0x0e, "Modify Attribute";
        DELETE_ATTRIBUTE = 0x0f, "Delete Attribute";
        ACTIVATE = 0x12, "Activate";
        REVOKE = 0x13, "Revoke";
        DESTROY = 0x14, "Destroy";
        ARCHIVE = 0x15, "Archive";
        QUERY = 0x18, "Query";
        DISCOVER_VERSIONS = 0x1e, "Discover Versions";
        ENCRYPT = 0x1f, "Encrypt";
        DECRYPT = 0x20, "Decrypt";
        SET_ATTRIBUTE = 0x31, "Set Attribute";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.12.
    ObjectType {
        CERTIFICATE = 0x01, "Certificate";
        SYMMETRIC_KEY = 0x02, "Symmetric Key";
        PUBLIC_KEY = 0x03, "Public Key";
        PRIVATE_KEY = 0x04, "Private Key";
        SPLIT_KEY = 0x05, "Split Key";
        TEMPLATE = 0x06, "Template";
        SECRET_DATA = 0x07, "Secret Data";
        OPAQUE_DATA = 0x08, "Opaque Object";
    }
}

impl ObjectType {
    /// The type that a server reports; 0 is not a type, but one server (Infisical) uses it for its
    /// keys.
    #[must_use]
    pub fn told(number: u32) -> Option<Self> {
        Some(Self::from_number(number)).filter(|_| number != 0)
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.13. The database looks these names up with the first part of a Java
    /// cipher string (KMIP.md 4).
    CryptographicAlgorithm {
        DES = 0x01, "DES";
        TRIPLE_DES = 0x02, "3DES";
        AES = 0x03, "AES";
        RSA = 0x04, "RSA";
        BLOWFISH = 0x10, "Blowfish";
        CAMELLIA = 0x11, "Camellia";
        CAST5 = 0x12, "CAST5";
        IDEA = 0x13, "IDEA";
        RC2 = 0x15, "RC2";
        RC4 = 0x16, "RC4";
        TWOFISH = 0x19, "Twofish";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.14.
    BlockCipherMode {
        CBC = 0x01, "CBC";
        ECB = 0x02, "ECB";
        PCBC = 0x03, "PCBC";
        CFB = 0x04, "CFB";
        OFB = 0x05, "OFB";
        CTR = 0x06, "CTR";
        CCM = 0x08, "CCM";
        GCM = 0x09, "GCM";
        XTS = 0x0b, "XTS";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.15.
    PaddingMethod {
        NONE = 0x01, "None";
        OAEP = 0x02, "OAEP";
        PKCS5 = 0x03, "PKCS5";
        SSL3 = 0x04, "SSL3";
        ZEROS = 0x05, "Zeros";
        ANSI_X9_23 = 0x06, "ANSI X9.23";
        ISO_10126 = 0x07, "ISO 10126";
        PKCS1_V1_5 = 0x08, "PKCS1 v1.5";
        X9_31 = 0x09, "X9.31";
        PSS = 0x0a, "PSS";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.18.
    State {
        PRE_ACTIVE = 0x01, "Pre-Active";
        ACTIVE = 0x02, "Active";
        DEACTIVATED = 0x03, "Deactivated";
        COMPROMISED = 0x04, "Compromised";
        DESTROYED = 0x05, "Destroyed";
        DESTROYED_COMPROMISED = 0x06, "Destroyed Compromised";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.19.
    RevocationReason {
        UNSPECIFIED = 0x01, "Unspecified";
        KEY_COMPROMISE = 0x02, "Key Compromise";
        CA_COMPROMISE = 0x03, "CA Compromise";
        AFFILIATION_CHANGED = 0x04, "Affiliation Changed";
        SUPERSEDED = 0x05, "Superseded";
        CESSATION_OF_OPERATION = 0x06, "Cessation Of Operation";
        PRIVILEGE_WITHDRAWN = 0x07, "Privilege Withdrawn";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.3.
    KeyFormatType {
        RAW = 0x01, "Raw";
        OPAQUE = 0x02, "Opaque";
        TRANSPARENT_SYMMETRIC_KEY = 0x07, "Transparent Symmetric Key";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.24.
    QueryFunction {
        OPERATIONS = 0x01, "Query Operations";
        OBJECTS = 0x02, "Query Objects";
        SERVER_INFORMATION = 0x03, "Query Server Information";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.28.
    ResultStatus {
        SUCCESS = 0x00, "Success";
        OPERATION_FAILED = 0x01, "Operation Failed";
        OPERATION_PENDING = 0x02, "Operation Pending";
        OPERATION_UNDONE = 0x03, "Operation Undone";
    }
}

enumeration! {
    /// KMIP 1.4, 9.1.3.2.30: what follows a failed item of a batch.
    BatchErrorContinuation {
        CONTINUE = 0x01, "Continue";
        STOP = 0x02, "Stop";
        UNDO = 0x03, "Undo";
    }
}

enumeration! {
    /// Why a server refused: the numbers of KMIP 1.4, 9.1.3.2.29 and those of KMIP 2.0, which
    /// some servers send in 1.x too (KMIP.md 14, rule 4).
    ResultReason {
        ITEM_NOT_FOUND = 0x01, "Item Not Found";
        RESPONSE_TOO_LARGE = 0x02, "Response Too Large";
        AUTHENTICATION_NOT_SUCCESSFUL = 0x03, "Authentication Not Successful";
        INVALID_MESSAGE = 0x04, "Invalid Message";
        OPERATION_NOT_SUPPORTED = 0x05, "Operation Not Supported";
        MISSING_DATA = 0x06, "Missing Data";
        INVALID_FIELD = 0x07, "Invalid Field";
        FEATURE_NOT_SUPPORTED = 0x08, "Feature Not Supported";
        OPERATION_CANCELED_BY_REQUESTER = 0x09, "Operation Canceled By Requester";
        CRYPTOGRAPHIC_FAILURE = 0x0a, "Cryptographic Failure";
        ILLEGAL_OPERATION = 0x0b, "Illegal Operation";
        PERMISSION_DENIED = 0x0c, "Permission Denied";
        OBJECT_ARCHIVED = 0x0d, "Object Archived";
        INDEX_OUT_OF_BOUNDS = 0x0e, "Index Out Of Bounds";
        APPLICATION_NAMESPACE_NOT_SUPPORTED = 0x0f, "Application Namespace Not Supported";
        KEY_FORMAT_TYPE_NOT_SUPPORTED = 0x10, "Key Format Type Not Supported";
        KEY_COMPRESSION_TYPE_NOT_SUPPORTED = 0x11, "Key Compression Type Not Supported";
        ENCODING_OPTION_ERROR = 0x12, "Encoding Option Error";
        KEY_VALUE_NOT_PRESENT = 0x13, "Key Value Not Present";
        ATTESTATION_REQUIRED = 0x14, "Attestation Required";
        ATTESTATION_FAILED = 0x15, "Attestation Failed";
        SENSITIVE = 0x16, "Sensitive";
        NOT_EXTRACTABLE = 0x17, "Not Extractable";
        OBJECT_ALREADY_EXISTS = 0x18, "Object Already Exists";
        INVALID_TICKET = 0x19, "Invalid Ticket";
        USAGE_LIMIT_EXCEEDED = 0x1a, "Usage Limit Exceeded";
        NUMERIC_RANGE = 0x1b, "Numeric Range";
        INVALID_DATA_TYPE = 0x1c, "Invalid Data Type";
        READ_ONLY_ATTRIBUTE = 0x1d, "Read Only Attribute";
        MULTI_VALUED_ATTRIBUTE = 0x1e, "Multi Valued Attribute";
        UNSUPPORTED_ATTRIBUTE = 0x1f, "Unsupported Attribute";
        ATTRIBUTE_INSTANCE_NOT_FOUND = 0x20, "Attribute Instance Not Found";
        ATTRIBUTE_NOT_FOUND = 0x21, "Attribute Not Found";
        ATTRIBUTE_READ_ONLY = 0x22, "Attribute Read Only";
        ATTRIBUTE_SINGLE_VALUED = 0x23, "Attribute Single Valued";
        BAD_CRYPTOGRAPHIC_PARAMETERS = 0x24, "Bad Cryptographic Parameters";
        CODEC_ERROR = 0x26, "Codec Error";
        ILLEGAL_OBJECT_TYPE = 0x28, "Illegal Object Type";
        INTERNAL_SERVER_ERROR = 0x2a, "Internal Server Error";
        INVALID_ATTRIBUTE = 0x2c, "Invalid Attribute";
        INVALID_ATTRIBUTE_VALUE = 0x2d, "Invalid Attribute Value";
        INVALID_OBJECT_TYPE = 0x30, "Invalid Object Type";
        NON_UNIQUE_NAME_ATTRIBUTE = 0x35, "Non Unique Name Attribute";
        OBJECT_DESTROYED = 0x36, "Object Destroyed";
        OBJECT_NOT_FOUND = 0x37, "Object Not Found";
        NOT_AUTHORISED = 0x39, "Not Authorised";
        SERVER_LIMIT_EXCEEDED = 0x3a, "Server Limit Exceeded";
        UNKNOWN_ENUMERATION = 0x3b, "Unknown Enumeration";
        UNKNOWN_MESSAGE_EXTENSION = 0x3c, "Unknown Message Extension";
        UNKNOWN_TAG = 0x3d, "Unknown Tag";
        UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS = 0x3e, "Unsupported Cryptographic Parameters";
        UNSUPPORTED_PROTOCOL_VERSION = 0x3f, "Unsupported Protocol Version";
        WRONG_KEY_LIFECYCLE_STATE = 0x43, "Wrong Key Lifecycle State";
        PROTECTION_STORAGE_UNAVAILABLE = 0x44, "Protection Storage Unavailable";
        GENERAL_FAILURE = 0x100, "General Failure";
    }
}

impl ResultReason {
    /// The object does not exist (any more), in the words of either major version.
    #[must_use]
    pub const fn is_not_found(self) -> bool {
        matches!(self, Self::ITEM_NOT_FOUND | Self::OBJECT_NOT_FOUND | Self::OBJECT_DESTROYED)
    }
}

/// Bits of the Cryptographic Usage Mask (KMIP 1.4, 9.1.3.3.1).
pub mod usage {
    /// The key may encrypt.
    pub const ENCRYPT: i32 = 0x04;
    /// The key may decrypt.
    pub const DECRYPT: i32 = 0x08;
}
