//! How WCP's documents spell what is not there.

use std::collections::HashMap;
use std::hash::Hash;

use serde::de::{Deserialize, Deserializer};

/// An object whose keys are data; a member that is `null` counts as left out,
/// and so does the object.
pub(super) fn table<'v, D, K, T>(deserializer: D) -> Result<HashMap<K, T>, D::Error>
where
    D: Deserializer<'v>,
    K: Deserialize<'v> + Eq + Hash,
    T: Deserialize<'v>,
{
    Ok(opt_table(deserializer)?.unwrap_or_default())
}

/// The same; none where the object is left out.
pub(super) fn opt_table<'v, D, K, T>(deserializer: D) -> Result<Option<HashMap<K, T>>, D::Error>
where
    D: Deserializer<'v>,
    K: Deserialize<'v> + Eq + Hash,
    T: Deserialize<'v>,
{
    let table: Option<HashMap<K, Option<T>>> = Option::deserialize(deserializer)?;
    let given = |table: HashMap<K, Option<T>>| {
        let members = table.into_iter();
        members.filter_map(|(key, value)| Some((key, value?)))
    };
    Ok(table.map(|table| given(table).collect()))
}
