//! JSON objects whose members are always in canonical order.

use std::borrow::Cow;
use std::fmt;
use std::vec;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::json::Value;

/// Members with unique keys, sorted by Unicode code point (which for UTF-8 is
/// the order of the bytes, and of `str`).
///
/// A sorted vector and not a tree: a tree's nodes would take some 600 bytes
/// for the smallest object, fifty times what the sender of millions of them pays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    members: Vec<(Key, Value)>,
}

/// The name of a member: those of our own formats are in the program already,
/// and need no memory of their own.
pub type Key = Cow<'static, str>;

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The object of these members, which the reader has put in order and found
    /// unique.
    pub(super) fn from_sorted(mut members: Vec<(Key, Value)>) -> Self {
        members.shrink_to_fit();
        Self { members }
    }

    /// The object of these members, in any order; of equal keys the last stays.
    pub(super) fn from_members(mut members: Vec<(Key, Value)>) -> Self {
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        // The sort is stable; `dedup_by` drops the later of two (its first
        // argument), so the later value is moved forward.
        members.dedup_by(|(later, new), (earlier, old)| {
            let same = later == earlier;
            if same {
                std::mem::swap(old, new);
            }
            same
        });
        Self::from_sorted(members)
    }

    /// Sets the member `key` and gives its former value.
    ///
    /// Costs a shift of the members behind it: to build an object of many
    /// members in no order, collect them.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.find(&key) {
            Ok(at) => {
                let (_, old) = self.members.get_mut(at)?;
                Some(std::mem::replace(old, value))
            }
            Err(at) => {
                self.members.insert(at, (key, value));
                None
            }
        }
    }

    /// The value of the member `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.get_member(key).map(|(_, value)| value)
    }

    /// The member `key`: its name as this object holds it, and its value.
    pub fn get_member(&self, key: &str) -> Option<(&str, &Value)> {
        let (key, value) = self.members.get(self.find(key).ok()?)?;
        Some((key, value))
    }

    /// The value of the member `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.find(key).ok()?;
        self.members.get_mut(at).map(|(_, value)| value)
    }

    /// Takes the member `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.find(key).ok()?;
        Some(self.members.remove(at).1)
    }

    /// Whether there is a member `key`, `null` or not.
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in canonical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(key, value)| (&**key, value))
    }

    /// The keys in canonical order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(key, _)| &**key)
    }

    /// The position of `key`, or where it belongs.
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(k, _)| (**k).cmp(key))
    }
}

impl IntoIterator for Object {
    type Item = (Key, Value);
    type IntoIter = vec::IntoIter<(Key, Value)>;

    /// The members in canonical order.
    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

/// Collects in O(n log n); of equal keys the last one stays.
impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let members = members.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self::from_members(members.collect())
    }
}
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'v> Deserialize<'v> for Object {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectMembers)
    }
}

struct ObjectMembers;

impl<'v> Visitor<'v> for ObjectMembers {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'v>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            members.push((Key::Owned(name), value));
        }
        Ok(Object::from_members(members))
    }
}

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn keys(object: &Object) -> Vec<&str> {
        object.keys().collect()
    }

    #[test]
    fn keys_stand_in_code_point_order_not_in_that_of_utf16() {
        let names = ["\u{1f600}", "\u{ffff}", "é", "z", "a", "B", "", "aa"];
        let mut inserted = Object::new();
        for name in names {
            inserted.insert(name, true);
        }
        let collected: Object = names.into_iter().map(|name| (name, true)).collect();
        let sorted = ["", "B", "a", "aa", "z", "é", "\u{ffff}", "\u{1f600}"];
        assert_eq!(keys(&inserted), sorted);
        assert_eq!(inserted, collected);
    }

    #[test]
    fn the_last_of_equal_keys_stays() {
        let members = [("b", 1_u64), ("a", 2), ("b", 3), ("b", 4)];
        let collected: Object = members.into_iter().collect();
        let mut inserted = Object::new();
        let replaced: Vec<_> = members
            .into_iter()
            .map(|(k, v)| inserted.insert(k, v))
            .collect();
        assert_eq!(
            replaced,
            [None, None, Some(1_u64.into()), Some(3_u64.into())]
        );
        assert_eq!(collected, inserted);
        assert_eq!(collected.get("b"), Some(&4_u64.into()));
        assert_eq!(collected.len(), 2);
    }

    #[test]
    fn members_are_found_changed_and_removed_by_name() {
        let mut object: Object = [("a", None), ("b", Some("x"))].into_iter().collect();
        assert!(object.contains_key("a"));
        assert_eq!(object.get("a"), Some(&Value::Null));
        *object.get_mut("b").unwrap() = Value::from("y");
        assert_eq!(object.get_member("b"), Some(("b", &Value::from("y"))));
        assert_eq!(object.remove("b"), Some(Value::from("y")));
        assert_eq!(object.remove("b"), None);
        assert_eq!((object.len(), object.is_empty()), (1, false));
    }
}
