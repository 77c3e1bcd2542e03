//! Values that stand in many documents.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A text of a form.
macro_rules! text {
    ($($(#[doc = $doc:literal])+ $name:ident = $pattern:literal;)+) => {$(
        $(#[doc = $doc])+
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),+).trim()))
                    .pattern(Some($pattern));
                RefOr::T(Schema::Object(text.build()))
            }
        }

        impl ToSchema for $name {}
    )+};
}

text! {
    /// 32 bytes as hex digits.
    Digest = "^[0-9a-f]{64}$";
    /// A public key (Ed25519), as hex digits.
    Key = "^[0-9a-f]{64}$";
    /// A signature (Ed25519), as hex digits.
    Signature = "^[0-9a-f]{128}$";
    /// A time in UTC.
    Time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$";
}

/// What every command prints where it has no other answer.
#[derive(ToSchema)]
#[allow(dead_code, reason = "its derived schema is what is used of it")]
pub(super) struct Failure {
    error: FailureText,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "its derived schema is what is used of it")]
pub(super) struct FailureText {
    /// One of those that `sealbook codes` lists.
    code: String,
    /// What happened, for people.
    detail: String,
    /// Of an input that was recorded in part: how far.
    recorded: Option<RecordedPart>,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "its derived schema is what is used of it")]
pub(super) struct RecordedPart {
    /// Entries of it that are recorded.
    entries: u64,
    /// The last of them.
    last: u64,
    /// Where in the input to go on.
    next: InputAt,
    /// What before that is not recorded, by where it begins.
    not_recorded: Vec<InputAt>,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "its derived schema is what is used of it")]
pub(super) struct InputAt {
    /// From 1.
    line: u64,
    /// From 1, in an array.
    element: Option<u64>,
}
