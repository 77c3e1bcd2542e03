//! What a caller asks of the Hall.

use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize};

use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::hexadecimal;
use crate::ledger::json::{Form, Number, Object, Value, write_number, write_str};
use crate::ledger::sha256::sha256;
use crate::ledger::shape::{self, MemberError};

/// A capability request (WCP §4.1).
///
/// [`read`](RouteInput::read) refuses what is malformed. A value made in Rust
/// can still hold a blank tenant or a score that is out of range; those are
/// denials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "serve", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteInput {
    /// The capability, such as `cap.doc.summarize`.
    pub capability_id: String,
    /// Where it is asked for: `dev`, `stage`, `prod` or `edge`.
    #[cfg_attr(feature = "serve", schema(value_type = String))]
    pub env: Env,
    /// How sensitive the data is: `PUBLIC`, `INTERNAL` or `RESTRICTED`.
    #[cfg_attr(feature = "serve", schema(value_type = String))]
    pub data_label: DataLabel,
    /// How far the tenant is trusted: `low`, `medium` or `high`.
    #[cfg_attr(feature = "serve", schema(value_type = String))]
    pub tenant_risk: TenantRisk,
    /// How urgent it is: `P0` to `P3`.
    #[cfg_attr(feature = "serve", schema(value_type = String))]
    pub qos_class: QoSClass,
    /// Who asks. Not blank.
    #[serde(deserialize_with = "not_blank")]
    pub tenant_id: String,
    /// What the request belongs to; carried through all that follows from it.
    pub correlation_id: String,
    /// What the worker is to be given.
    #[serde(default)]
    #[cfg_attr(feature = "serve", schema(value_type = Object))]
    pub request: Object,
    /// The caller's own estimate by dimension; carried, not judged.
    #[cfg_attr(feature = "serve", schema(value_type = Option<Object>))]
    pub blast_radius: Option<Object>,
    /// The caller's own score: an integer of any size, denied outside 0 to 100.
    #[serde(default, deserialize_with = "integer")]
    #[cfg_attr(feature = "serve", schema(value_type = Option<i64>))]
    pub blast_score: Option<Number>,
    /// For privilege envelopes; carried, not judged.
    #[cfg_attr(feature = "serve", schema(value_type = Option<Object>))]
    pub privilege_context: Option<Object>,
    /// Whether to decide only, and dispatch nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// A signed credential. Secret: only its digest may be stored.
    pub tenant_credential: Option<String>,
}

impl RouteInput {
    /// Reads a request; `at` is the path that errors begin with, empty for a
    /// document of its own.
    ///
    /// # Errors
    /// [`MemberError`] names the first field, in the order of the
    /// specification, that is of the wrong type or none of the values it can
    /// have, or else that is missing, and then the first unknown one: it would be
    /// in no hash.
    pub fn read(value: &Value, at: &str) -> Result<RouteInput, MemberError> {
        shape::read(value, at)
    }

    /// The request with every field present: unset ones `null`, `request` `{}`,
    /// `dry_run` `false`.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }

    /// The hex SHA-256 of the request in `spaced-ascii` form with every field
    /// present (SPEC §5.1): what `artifact_hash` of an allowed decision and
    /// `input_hash` of any recorded one are.
    pub fn artifact_hash(&self) -> String {
        // Written field by field, since cloning the request into a value only
        // to hash it would cost more than the hash.
        let mut text = Vec::with_capacity(1_024);
        let object = FieldText::object;
        let mut put = |name: &str, field: FieldText<'_>| {
            text.extend_from_slice(name.as_bytes());
            field.write(&mut text);
        };
        put("{\"blast_radius\": ", object(self.blast_radius.as_ref()));
        let score = FieldText::Number(self.blast_score.as_ref());
        put(", \"blast_score\": ", score);
        put(
            ", \"capability_id\": ",
            FieldText::Text(&self.capability_id),
        );
        put(
            ", \"correlation_id\": ",
            FieldText::Text(&self.correlation_id),
        );
        put(
            ", \"data_label\": ",
            FieldText::Term(self.data_label.as_str()),
        );
        put(", \"dry_run\": ", FieldText::Bool(self.dry_run));
        put(", \"env\": ", FieldText::Term(self.env.as_str()));
        let privilege = object(self.privilege_context.as_ref());
        put(", \"privilege_context\": ", privilege);
        put(
            ", \"qos_class\": ",
            FieldText::Term(self.qos_class.as_str()),
        );
        put(", \"request\": ", FieldText::Object(&self.request));
        let credential = FieldText::text(self.tenant_credential.as_deref());
        put(", \"tenant_credential\": ", credential);
        put(", \"tenant_id\": ", FieldText::Text(&self.tenant_id));
        let risk = FieldText::Term(self.tenant_risk.as_str());
        put(", \"tenant_risk\": ", risk);
        text.push(b'}');
        hexadecimal::encode(&sha256(&text))
    }
}

enum FieldText<'a> {
    Null,
    Bool(bool),
    Text(&'a str),
    /// Text without anything to escape.
    Term(&'static str),
    Number(Option<&'a Number>),
    Object(&'a Object),
}

impl<'a> FieldText<'a> {
    fn object(object: Option<&'a Object>) -> FieldText<'a> {
        object.map_or(FieldText::Null, FieldText::Object)
    }

    fn text(text: Option<&'a str>) -> FieldText<'a> {
        text.map_or(FieldText::Null, FieldText::Text)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            FieldText::Null | FieldText::Number(None) => out.extend_from_slice(b"null"),
            FieldText::Bool(true) => out.extend_from_slice(b"true"),
            FieldText::Bool(false) => out.extend_from_slice(b"false"),
            FieldText::Text(text) => write_str(out, text, Form::SpacedAscii),
            FieldText::Term(term) => {
                out.push(b'"');
                out.extend_from_slice(term.as_bytes());
                out.push(b'"');
            }
            FieldText::Number(Some(number)) => write_number(out, number),
            FieldText::Object(object) => object.write_canonical(Form::SpacedAscii, out),
        }
    }
}

/// Whether nothing but white space stands in `text`. The separators U+001C to
/// U+001F count, as they do in Python, where the format comes from.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn not_blank<'v, D: Deserializer<'v>>(deserializer: D) -> Result<String, D::Error> {
    shape::read_text(deserializer, "text that is not blank", |text| {
        (!is_blank(text)).then(|| text.to_owned())
    })
}

/// An integer of any size, `null` or nothing. A boolean is none, though in
/// Python it is one.
fn integer<'v, D: Deserializer<'v>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::Number(number)) if !number.is_float() => Ok(Some(number)),
        Some(_) => Err(D::Error::invalid_type(
            Unexpected::Other("something else"),
            &"an integer",
        )),
    }
}
