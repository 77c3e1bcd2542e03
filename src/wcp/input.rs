//! What a caller asks of the Hall.

use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::hexadecimal;
use crate::ledger::json::{Form, Number, Object, Value, write_number, write_str};
use crate::ledger::members::{MemberError, MemberProblem, Members};
use crate::ledger::sha256::sha256;

/// A capability request (WCP §4.1).
///
/// [`read`](RouteInput::read) refuses what is malformed. A value made in Rust
/// can still hold a blank tenant or a score that is out of range; those are
/// denials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInput {
    /// The capability, such as `cap.doc.summarize`.
    pub capability_id: String,
    /// Where it is asked for.
    pub env: Env,
    /// How sensitive the data is.
    pub data_label: DataLabel,
    /// How far the tenant is trusted.
    pub tenant_risk: TenantRisk,
    /// How urgent it is.
    pub qos_class: QoSClass,
    /// Who asks. Not blank.
    pub tenant_id: String,
    /// What the request belongs to; carried through all that follows from it.
    pub correlation_id: String,
    /// What the worker is to be given.
    pub request: Object,
    /// The caller's own estimate by dimension; carried, not judged.
    pub blast_radius: Option<Object>,
    /// The caller's own score: an integer of any size, denied outside 0 to 100.
    pub blast_score: Option<Number>,
    /// For privilege envelopes; carried, not judged.
    pub privilege_context: Option<Object>,
    /// Whether to decide only, and dispatch nothing.
    pub dry_run: bool,
    /// A signed credential. Secret: only its digest may be stored.
    pub tenant_credential: Option<String>,
}

/// Gives every field to `take!`, in canonical order: what comes before its key
/// in `spaced-ascii` form, its key, and its value. A macro, so that what comes
/// before a value is one constant where it is written.
macro_rules! each_field {
    ($input:ident, $take:ident) => {{
        let object = Field::object;
        $take!("{", "blast_radius", object($input.blast_radius.as_ref()));
        let score = Field::Number($input.blast_score.as_ref());
        $take!(", ", "blast_score", score);
        $take!(", ", "capability_id", Field::Text(&$input.capability_id));
        $take!(", ", "correlation_id", Field::Text(&$input.correlation_id));
        let label = Field::Term($input.data_label.as_str());
        $take!(", ", "data_label", label);
        $take!(", ", "dry_run", Field::Bool($input.dry_run));
        $take!(", ", "env", Field::Term($input.env.as_str()));
        let privilege = object($input.privilege_context.as_ref());
        $take!(", ", "privilege_context", privilege);
        $take!(", ", "qos_class", Field::Term($input.qos_class.as_str()));
        $take!(", ", "request", Field::Object(&$input.request));
        let credential = Field::text($input.tenant_credential.as_deref());
        $take!(", ", "tenant_credential", credential);
        $take!(", ", "tenant_id", Field::Text(&$input.tenant_id));
        let risk = Field::Term($input.tenant_risk.as_str());
        $take!(", ", "tenant_risk", risk);
    }};
}

impl RouteInput {
    /// Reads a request; `at` is the path that errors begin with, empty for a
    /// document of its own.
    ///
    /// # Errors
    /// [`MemberError`] names the first field, in the order of the
    /// specification, that is missing, of the wrong type, or none of the values
    /// it can have, and then the first unknown one: it would be in no hash.
    pub fn read(value: &Value, at: &str) -> Result<RouteInput, MemberError> {
        let mut members = Members::of(value, at)?;
        let input = RouteInput {
            capability_id: members.str("capability_id")?.to_owned(),
            env: term(&mut members, "env", Env::parse, Env::EXPECTED)?,
            data_label: term(
                &mut members,
                "data_label",
                DataLabel::parse,
                DataLabel::EXPECTED,
            )?,
            tenant_risk: term(
                &mut members,
                "tenant_risk",
                TenantRisk::parse,
                TenantRisk::EXPECTED,
            )?,
            qos_class: term(
                &mut members,
                "qos_class",
                QoSClass::parse,
                QoSClass::EXPECTED,
            )?,
            tenant_id: not_blank(&mut members, "tenant_id")?,
            correlation_id: members.str("correlation_id")?.to_owned(),
            request: match members.optional("request") {
                None => Object::new(),
                Some(_) => members.object("request")?.clone(),
            },
            blast_radius: members.opt_object("blast_radius")?.cloned(),
            blast_score: integer(&mut members, "blast_score")?,
            privilege_context: members.opt_object("privilege_context")?.cloned(),
            dry_run: match members.optional("dry_run") {
                None => false,
                Some(_) => members.bool("dry_run")?,
            },
            tenant_credential: members.opt_str("tenant_credential")?.map(str::to_owned),
        };
        members.finish()?;
        Ok(input)
    }

    /// The request with every field present: unset ones `null`, `request` `{}`,
    /// `dry_run` `false`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        macro_rules! put {
            ($before:literal, $key:literal, $value:expr) => {
                object.insert($key, $value.to_value());
            };
        }
        each_field!(self, put);
        Value::Object(object)
    }

    /// The hex SHA-256 of the request in `spaced-ascii` form with every field
    /// present (SPEC §5.1): what `artifact_hash` of an allowed decision and
    /// `input_hash` of any recorded one are.
    #[must_use]
    pub fn artifact_hash(&self) -> String {
        // Written field by field, since cloning the request into a value only
        // to hash it would cost more than the hash.
        let mut text = Vec::with_capacity(1_024);
        macro_rules! append {
            ($before:literal, $key:literal, $value:expr) => {
                // The keys have nothing to escape.
                text.extend_from_slice(concat!($before, "\"", $key, "\": ").as_bytes());
                $value.write(&mut text);
            };
        }
        each_field!(self, append);
        text.push(b'}');
        hexadecimal::encode(&sha256(&text))
    }
}

/// A field's value, borrowed.
enum Field<'a> {
    Null,
    Bool(bool),
    Text(&'a str),
    /// Text without anything to escape.
    Term(&'static str),
    Number(Option<&'a Number>),
    Object(&'a Object),
}

impl<'a> Field<'a> {
    fn object(object: Option<&'a Object>) -> Field<'a> {
        object.map_or(Field::Null, Field::Object)
    }

    fn text(text: Option<&'a str>) -> Field<'a> {
        text.map_or(Field::Null, Field::Text)
    }

    fn to_value(&self) -> Value {
        match self {
            Field::Null | Field::Number(None) => Value::Null,
            Field::Bool(value) => Value::Bool(*value),
            Field::Text(text) => Value::from(*text),
            Field::Term(term) => Value::from(*term),
            Field::Number(Some(number)) => Value::Number((*number).clone()),
            Field::Object(object) => Value::Object((*object).clone()),
        }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Field::Null | Field::Number(None) => out.extend_from_slice(b"null"),
            Field::Bool(true) => out.extend_from_slice(b"true"),
            Field::Bool(false) => out.extend_from_slice(b"false"),
            Field::Text(text) => write_str(out, text, Form::SpacedAscii),
            Field::Term(term) => {
                out.push(b'"');
                out.extend_from_slice(term.as_bytes());
                out.push(b'"');
            }
            Field::Number(Some(number)) => write_number(out, number),
            Field::Object(object) => object.write_canonical(Form::SpacedAscii, out),
        }
    }
}

/// Whether nothing but white space stands in `text`. The separators U+001C to
/// U+001F count, as they do in Python, where the format comes from.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn term<T>(
    members: &mut Members<'_>,
    name: &str,
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<T, MemberError> {
    let text = members.str(name)?;
    parse(text).ok_or_else(|| {
        members.error(
            name,
            MemberProblem::BadValue {
                expected: expected.into(),
            },
        )
    })
}

fn not_blank(members: &mut Members<'_>, name: &str) -> Result<String, MemberError> {
    let text = members.str(name)?;
    if is_blank(text) {
        let expected = "text that is not blank";
        return Err(members.error(
            name,
            MemberProblem::BadValue {
                expected: expected.into(),
            },
        ));
    }
    Ok(text.to_owned())
}

/// An integer of any size, `null` or nothing. A boolean is none, though in
/// Python it is one.
fn integer(members: &mut Members<'_>, name: &str) -> Result<Option<Number>, MemberError> {
    match members.optional(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if !number.is_float() => Ok(Some(number.clone())),
        Some(_) => {
            let expected = "an integer";
            Err(members.error(
                name,
                MemberProblem::WrongType {
                    expected: expected.into(),
                },
            ))
        }
    }
}
