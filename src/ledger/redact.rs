//! Redactable members: values that can be taken back, and a chain that stays.
//!
//! In the signed payload stands a commitment in the place of the value; the value and
//! its salt, the [`Opening`], are kept beside the chain, where they can be withheld and
//! erased:
//! ```text
//! member      {"sealbook:redacted": HEX}
//! commitment  H("sealbook:redact:v1" 0x1f ‖ genesis ‖ u32(len(pointer)) ‖ pointer
//!               ‖ salt ‖ canonical_json(value))
//! ```
//! Genesis and salt have 32 bytes, `u32` is big-endian and counts the bytes of the
//! [`Pointer`]'s text: what stands where is known from the front, so two places, logs,
//! salts or values never have one pre-image. The salt is random, so that nobody who
//! guesses the value can tell that it was it; with salt and value gone the commitment
//! says nothing. The entry's signature covers the commitment, so no other value, place
//! or log can be claimed for it.
//!
//! # Data flow and order of a commit
//! ```text
//! payload ─▶ checked: no member is of the form already, every pointer leads to a value,
//!    │       none lies in another
//!    ▼
//! redact(): value out, commitment in ──▶ signed payload ──▶ entry ─┐  one batch,
//!    └────▶ opening: salt, pointer, value ──▶ row of the entry ────┘  one synced write
//! erase:  entry `sealbook:erasure` + rows deleted + mark "erasing"    one synced write
//!         then tables rewritten and old logs gone, then the mark      not begun or whole
//! ```

pub mod erasure;
pub mod likely;
pub mod opened;
mod opening;
pub mod pointer;
pub mod rules;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use super::json::{Object, Value};
use super::shape;
pub use opening::{Opening, Salt};
use pointer::{Pointer, PointerError};

/// The one member of what stands in the place of a value.
pub const MEMBER: &str = "sealbook:redacted";

/// Redactable members that an entry has at most.
pub const MOST: usize = 256;

/// A member that is to be redactable, or masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redactable {
    pub pointer: Pointer,
    /// Whether an entry may lack it.
    pub optional: bool,
    pub action: Action,
}

/// What becomes of a value before anything is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A commitment stands in its place, and its opening is kept.
    #[default]
    Redactable,
    /// A commitment stands in its place, and its opening is not kept: nobody ever proves
    /// or tries what it was.
    Commitment,
    /// It is left out: a member goes, an item of an array becomes `null`.
    Drop,
}

impl Redactable {
    /// One that must be there.
    #[must_use]
    pub const fn needed(pointer: Pointer) -> Redactable {
        Redactable {
            pointer,
            optional: false,
            action: Action::Redactable,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeltOut {
    pointer: Pointer,
    #[serde(default)]
    optional: bool,
    #[serde(default, rename = "do")]
    action: Action,
}

/// A pointer as text, or `{"pointer": TEXT, "optional": true, "do": ACTION}`.
impl<'v> Deserialize<'v> for Redactable {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Redactable, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some(text) = value.as_str() {
            let pointer = Pointer::parse(text).map_err(D::Error::custom)?;
            return Ok(Redactable::needed(pointer));
        }
        let said: SpeltOut = shape::read(&value, "").map_err(D::Error::custom)?;
        Ok(Redactable {
            pointer: said.pointer,
            optional: said.optional,
            action: said.action,
        })
    }
}

/// Why members of a payload cannot be redactable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    #[error(transparent)]
    Pointer(#[from] PointerError),
    #[error("`{inner}` lies in `{outer}`, or is the same: name one of them")]
    Nested { outer: Pointer, inner: Pointer },
    #[error("the payload has nothing at `{pointer}`, which is to be redactable")]
    Absent { pointer: Pointer },
    #[error("`sealbook:redacted` stands for a value that was taken out: no payload has it")]
    Reserved,
    #[error("{given} members are to be redactable, and {MOST} can be")]
    TooMany { given: usize },
    /// The system gave no random numbers.
    #[error("the system has no random numbers to give")]
    NoSalt,
}

/// What stands in the place of a value with this commitment.
#[must_use]
pub fn form(commitment: &Hash) -> Value {
    Value::Object(Object::from_iter([(MEMBER, commitment.to_string())]))
}

/// The commitment of a value that is of the form.
#[must_use]
pub fn commitment_of(value: &Value) -> Option<Hash> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    Hash::from_hex(object.get(MEMBER)?.as_str()?).ok()
}

/// Whether a canonical text has a member of this name anywhere. In a text the quotation
/// mark before a name stands behind `{` or `,` and is not escaped, in strings it is.
#[must_use]
pub fn mentions_form(canonical: &[u8]) -> bool {
    const NAME: &[u8] = b"\"sealbook:redacted\":";
    memchr::memmem::find_iter(canonical, NAME).any(|at| {
        let before = at.checked_sub(1).and_then(|at| canonical.get(at));
        matches!(before, Some(b'{' | b','))
    })
}

/// Refuses a payload that has a member of the form, or of its name.
///
/// # Errors
/// [`RedactError::Reserved`].
pub fn refuse_form(canonical: &[u8]) -> Result<(), RedactError> {
    match mentions_form(canonical) {
        true => Err(RedactError::Reserved),
        false => Ok(()),
    }
}

/// Refuses pointers of which one lies in another.
///
/// # Errors
/// [`RedactError::Nested`], [`RedactError::TooMany`].
pub fn check_apart(wanted: &[Redactable]) -> Result<(), RedactError> {
    if wanted.len() > MOST {
        return Err(RedactError::TooMany {
            given: wanted.len(),
        });
    }
    for (at, one) in wanted.iter().enumerate() {
        for other in wanted.iter().skip(at + 1) {
            let (a, b) = (&one.pointer, &other.pointer);
            if a.holds(b) || b.holds(a) {
                let (outer, inner) = if a.holds(b) { (a, b) } else { (b, a) };
                return Err(RedactError::Nested {
                    outer: outer.clone(),
                    inner: inner.clone(),
                });
            }
        }
    }
    Ok(())
}

/// A value that was taken out, and what becomes of its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub opening: Opening,
    pub action: Action,
}

/// Takes the values of `wanted` out of a payload, and puts commitments in their place.
/// `salt` is asked once for each.
///
/// # Errors
/// [`RedactError`]; the payload is of no use then.
pub fn redact(
    payload: &mut Value,
    wanted: &[Redactable],
    genesis: &Hash,
    salt: &mut dyn FnMut() -> Option<Salt>,
) -> Result<Vec<Taken>, RedactError> {
    check_apart(wanted)?;
    let mut taken = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let (pointer, action) = (&wanted.pointer, wanted.action);
        let Some(place) = pointer.get_mut(payload) else {
            if wanted.optional {
                continue;
            }
            let pointer = pointer.clone();
            return Err(RedactError::Absent { pointer });
        };
        let opening = Opening {
            pointer: pointer.clone(),
            salt: salt().ok_or(RedactError::NoSalt)?,
            value: std::mem::replace(place, Value::Null),
        };
        if action == Action::Drop {
            pointer.drop_member(payload);
        } else {
            *place = form(&opening.commitment(genesis));
        }
        taken.push(Taken { opening, action });
    }
    Ok(taken)
}

/// Puts values back where commitments stand for them.
pub fn restore(payload: &mut Value, taken: &[Taken]) {
    for Taken { opening, action } in taken {
        if *action == Action::Drop {
            continue;
        }
        if let Some(place) = opening.pointer.get_mut(payload) {
            *place = opening.value.clone();
        }
    }
}

/// The places of a canonical payload where a value was taken out, and their commitments,
/// in the order of the text.
#[must_use]
pub fn redacted_in(payload: &[u8]) -> Vec<(Pointer, Hash)> {
    if !mentions_form(payload) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Ok(value) = super::parse::parse(payload) {
        walk(&value, &Pointer::ROOT, &mut found);
    }
    found
}

/// Leaves out of a payload what stands for values that were taken out, and says where
/// that was.
pub fn take_closed_out(payload: &mut Value) -> Vec<(Pointer, Hash)> {
    let mut found = Vec::new();
    walk(payload, &Pointer::ROOT, &mut found);
    for (pointer, _) in &found {
        pointer.drop_member(payload);
    }
    found
}

/// Puts the values of openings that are the log's own where commitments stand for them.
pub fn open_all(payload: &mut Value, openings: &[&Opening], genesis: &Hash) {
    for opening in openings {
        if let Some(place) = opening.pointer.get_mut(payload)
            && commitment_of(place) == Some(opening.commitment(genesis))
        {
            *place = opening.value.clone();
        }
    }
}

fn walk(value: &Value, at: &Pointer, found: &mut Vec<(Pointer, Hash)>) {
    if let Some(commitment) = commitment_of(value) {
        return found.push((at.clone(), commitment));
    }
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter() {
                walk(value, &at.child(name), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, &at.child(&index.to_string()), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::json::Form;
    use crate::ledger::parse::parse;

    fn needed(pointers: &[&str]) -> Vec<Redactable> {
        let pointers = pointers.iter().map(|text| Pointer::parse(text).unwrap());
        pointers.map(Redactable::needed).collect()
    }

    fn redacted(payload: &str, pointers: &[&str]) -> Result<(Value, Vec<Taken>), RedactError> {
        let mut payload = parse(payload.as_bytes()).unwrap();
        let mut count = 0;
        let mut salt = || {
            count += 1;
            Some(Salt::from_bytes([count; 32]))
        };
        let genesis = Hash::of(b"genesis");
        let openings = redact(&mut payload, &needed(pointers), &genesis, &mut salt)?;
        Ok((payload, openings))
    }

    #[test]
    fn the_commitment_is_the_hash_of_the_documented_bytes() {
        let (payload, openings) = redacted(r#"{"a":{"b/c":[1,"x"]}}"#, &["/a/b~1c/1"]).unwrap();
        let mut bytes = b"sealbook:redact:v1\x1f".to_vec();
        bytes.extend(Hash::of(b"genesis").as_bytes());
        bytes.extend([0, 0, 0, 9]);
        bytes.extend(b"/a/b~1c/1");
        bytes.extend([1; 32]);
        bytes.extend(b"\"x\"");
        let expected = Hash::of(&bytes);
        let text = payload.canonical(Form::Utf8);
        let form = format!(r#"{{"a":{{"b/c":[1,{{"sealbook:redacted":"{expected}"}}]}}}}"#);
        assert_eq!(text, form);
        let pointer = Pointer::parse("/a/b~1c/1").unwrap();
        assert_eq!(redacted_in(text.as_bytes()), [(pointer, expected)]);
        assert_eq!(
            openings
                .first()
                .unwrap()
                .opening
                .commitment(&Hash::of(b"genesis")),
            expected
        );
    }

    #[test]
    fn what_was_taken_out_goes_back_as_it_was() {
        let text = r#"{"a":[{"b":null},2],"c":"x","d":{"e":{"f":1.50}}}"#;
        let (mut payload, openings) = redacted(text, &["/a/0/b", "/c", "/d/e"]).unwrap();
        assert_eq!(
            redacted_in(payload.canonical(Form::Utf8).as_bytes()).len(),
            3
        );
        for Taken { opening, .. } in &openings {
            assert_eq!(Opening::from_row(&opening.to_row()).as_ref(), Some(opening));
        }
        restore(&mut payload, &openings);
        assert_eq!(payload, parse(text.as_bytes()).unwrap());
    }

    #[test]
    fn no_place_lies_in_another_and_none_is_missing() {
        let refused =
            |pointers: &[&str]| redacted(r#"{"a":{"b":1},"aa":2}"#, pointers).unwrap_err();
        let nested = |outer: &str, inner: &str| RedactError::Nested {
            outer: Pointer::parse(outer).unwrap(),
            inner: Pointer::parse(inner).unwrap(),
        };
        assert_eq!(refused(&["/a", "/a/b"]), nested("/a", "/a/b"));
        assert_eq!(refused(&["/a/b", "/a"]), nested("/a", "/a/b"));
        assert_eq!(refused(&["/aa", "/aa"]), nested("/aa", "/aa"));
        let pointer = Pointer::parse("/a/c").unwrap();
        assert_eq!(refused(&["/a/c"]), RedactError::Absent { pointer });
        assert!(redacted(r#"{"a":{"b":1},"aa":2}"#, &["/a", "/aa"]).is_ok());
        let many: Vec<_> = (0..=MOST).map(|n| format!("/{n}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(refused(&many), RedactError::TooMany { given: MOST + 1 });
        let rule: Redactable =
            crate::ledger::shape::read(&parse(br#"{"optional":true,"pointer":"/z"}"#).unwrap(), "")
                .unwrap();
        let mut payload = parse(b"{}").unwrap();
        let left = redact(&mut payload, &[rule], &Hash::ZERO, &mut || None);
        assert_eq!(left, Ok(Vec::new()));
    }

    #[test]
    fn a_masked_value_is_left_out_or_stands_for_nothing() {
        let rules = r#"[{"do":"drop","pointer":"/a/b"},{"do":"drop","pointer":"/c/0"},
            {"do":"commitment","pointer":"/d"},"/e"]"#;
        let rules: Vec<Redactable> =
            crate::ledger::shape::read(&parse(rules.as_bytes()).unwrap(), "").unwrap();
        let mut payload = parse(br#"{"a":{"b":1,"x":2},"c":[3,4],"d":5,"e":6}"#).unwrap();
        let mut salt = || Some(Salt::from_bytes([9; 32]));
        let taken = redact(&mut payload, &rules, &Hash::ZERO, &mut salt).unwrap();
        let text = payload.canonical(Form::Utf8);
        assert!(text.starts_with(r#"{"a":{"x":2},"c":[null,4],"d":{"sealbook:redacted":"#));
        assert_eq!(redacted_in(text.as_bytes()).len(), 2);
        restore(&mut payload, &taken);
        let masked = br#"{"a":{"x":2},"c":[null,4],"d":5,"e":6}"#;
        assert_eq!(payload, parse(masked).unwrap());
    }

    #[test]
    fn the_form_is_found_as_a_member_and_not_in_text() {
        for (payload, found) in [
            (r#"{"sealbook:redacted":1}"#, true),
            (r#"{"a":1,"sealbook:redacted":"x"}"#, true),
            (r#"{"a":[{"sealbook:redacted":null}]}"#, true),
            (r#"{"a":"sealbook:redacted"}"#, false),
            (r#"{"a":"{\"sealbook:redacted\":1}"}"#, false),
            (r#"{"a\"sealbook:redacted":1}"#, false),
        ] {
            let canonical = parse(payload.as_bytes()).unwrap().canonical(Form::Utf8);
            assert_eq!(mentions_form(canonical.as_bytes()), found, "{payload}");
        }
    }

    /// Salts, values, pointers and logs apart by a bit or a boundary have other
    /// commitments.
    #[test]
    fn nothing_moves_from_one_part_of_the_pre_image_to_the_next() {
        let mut seen = std::collections::BTreeSet::new();
        for genesis in [0, 1] {
            for pointer in ["/a", "/a/b", "/ab", "/a\u{1}"] {
                for salt in [0, 1, b'/'] {
                    for value in ["1", "11", "\"\"", "null", "{\"a\":1}"] {
                        let opening = Opening {
                            pointer: Pointer::parse(pointer).unwrap(),
                            salt: Salt::from_bytes([salt; 32]),
                            value: parse(value.as_bytes()).unwrap(),
                        };
                        let genesis = Hash::from_bytes([genesis; 32]);
                        assert!(seen.insert(opening.commitment(&genesis)));
                    }
                }
            }
        }
        assert_eq!(seen.len(), 2 * 4 * 3 * 5);
    }
}
