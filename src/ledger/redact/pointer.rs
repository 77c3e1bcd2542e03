//! JSON pointers (RFC 6901): the place of a value in a payload.

use std::fmt;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use super::super::json::Value;

/// Bytes of a pointer's text.
pub const LONGEST: usize = 4_096;

/// The place of a value below the payload itself: `/` and a name or index for each
/// level. In a name `~` is written `~0`, and `/` is written `~1`. An index has no zero
/// in front.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

/// Why a text is not a pointer to a value in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    #[error("a JSON pointer begins with `/`, as `/customer/email` does")]
    NoSlash,
    #[error("in a JSON pointer `~` is written `~0`, and `/` within a name is written `~1`")]
    Tilde,
    #[error("the JSON pointer has more than {LONGEST} bytes")]
    TooLong,
}

impl Pointer {
    /// The payload itself. No text gives it.
    pub(super) const ROOT: Pointer = Pointer(String::new());

    /// Reads a pointer to something within a payload.
    ///
    /// # Errors
    /// [`PointerError`].
    pub fn parse(text: &str) -> Result<Pointer, PointerError> {
        if text.len() > LONGEST {
            return Err(PointerError::TooLong);
        }
        if !text.starts_with('/') {
            return Err(PointerError::NoSlash);
        }
        let mut after = text.split('~').skip(1);
        match after.all(|rest| rest.starts_with(['0', '1'])) {
            true => Ok(Pointer(text.to_owned())),
            false => Err(PointerError::Tilde),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this place or one in it.
    #[must_use]
    pub fn holds(&self, other: &Pointer) -> bool {
        let rest = other.0.strip_prefix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The value at this place.
    #[must_use]
    pub fn get<'v>(&self, payload: &'v Value) -> Option<&'v Value> {
        self.names().try_fold(payload, |value, name| match value {
            Value::Object(object) => object.get(&name),
            Value::Array(items) => items.get(index(&name)?),
            _ => None,
        })
    }

    /// The same, to be changed.
    pub fn get_mut<'v>(&self, payload: &'v mut Value) -> Option<&'v mut Value> {
        self.names().try_fold(payload, |value, name| match value {
            Value::Object(object) => object.get_mut(&name),
            Value::Array(items) => items.get_mut(index(&name)?),
            _ => None,
        })
    }

    /// Leaves out what is at this place: a member goes, an item becomes `null`.
    pub(super) fn drop_member(&self, payload: &mut Value) {
        let (parent, _) = self.0.rsplit_once('/').unwrap_or_default();
        let name = self.names().last().unwrap_or_default();
        match Pointer(parent.to_owned()).get_mut(payload) {
            Some(Value::Object(object)) => drop(object.remove(&name)),
            Some(Value::Array(items)) => {
                if let Some(item) = index(&name).and_then(|at| items.get_mut(at)) {
                    *item = Value::Null;
                }
            }
            _ => {}
        }
    }

    /// The place of a member or item of what is here.
    pub(super) fn child(&self, name: &str) -> Pointer {
        let name = name.replace('~', "~0").replace('/', "~1");
        Pointer(format!("{}/{name}", self.0))
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let names = self.0.split('/').skip(1);
        names.map(|name| name.replace("~1", "/").replace("~0", "~"))
    }
}

fn index(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok())?
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({})", self.0)
    }
}

impl std::str::FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Pointer, PointerError> {
        Pointer::parse(text)
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'v> Deserialize<'v> for Pointer {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Pointer, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pointer::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::json::Form;
    use crate::ledger::parse::parse;

    /// The document and the pointers of RFC 6901, section 5, but for that of the whole.
    #[test]
    fn the_examples_of_the_rfc_lead_where_it_says() {
        let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,
            "k\"l":6," ":7,"m~n":8}"#;
        let value = parse(text.as_bytes()).unwrap();
        for (pointer, expected) in [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            let found = Pointer::parse(pointer).unwrap();
            let found = found.get(&value).unwrap().canonical(Form::Utf8);
            assert_eq!(found, expected, "{pointer}");
        }
        for nothing in [
            "/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/bar", "/x", "/ /a",
        ] {
            assert_eq!(
                Pointer::parse(nothing).unwrap().get(&value),
                None,
                "{nothing}"
            );
        }
    }

    #[test]
    fn what_is_no_pointer_is_named() {
        for (text, error) in [
            ("", PointerError::NoSlash),
            ("a", PointerError::NoSlash),
            ("/~", PointerError::Tilde),
            ("/a~2b", PointerError::Tilde),
            ("/~0~", PointerError::Tilde),
        ] {
            assert_eq!(Pointer::parse(text), Err(error), "{text}");
        }
        let long = "/".repeat(LONGEST + 1);
        assert_eq!(Pointer::parse(&long), Err(PointerError::TooLong));
    }

    #[test]
    fn a_place_holds_itself_and_what_is_in_it() {
        let holds = |a: &str, b: &str| {
            Pointer::parse(a)
                .unwrap()
                .holds(&Pointer::parse(b).unwrap())
        };
        assert!(holds("/a", "/a") && holds("/a", "/a/b") && holds("/", "//b"));
        assert!(!holds("/a", "/ab") && !holds("/a/b", "/a") && !holds("/a~1", "/a"));
    }

    #[test]
    fn a_name_leads_back_to_its_member() {
        for name in ["~", "/", "~1", "~01/", "", "0"] {
            let pointer = Pointer::ROOT.child(name);
            let object = Value::Object([(name, 1_u64)].into_iter().collect());
            assert_eq!(Pointer::parse(pointer.as_str()).as_ref(), Ok(&pointer));
            assert_eq!(pointer.get(&object), Some(&Value::from(1_u64)), "{name}");
        }
    }
}
