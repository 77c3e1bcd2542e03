//! The taxonomy: what capabilities, workers, controls, profiles and events
//! there are, and what they are for.

use std::collections::HashMap;
use std::sync::LazyLock;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use serde::de::Deserializer;

use crate::ledger::json::Value;
use crate::ledger::parse::{ParseError, parse};
use crate::ledger::shape::{self, MemberError};
use crate::ledger::words::words;

words! {
    /// What sort of thing an entry is, told by how its id begins.
    pub enum EntryType {
        /// `cap.`: something that can be asked for.
        Capability = "cap",
        /// `wrk.`: a worker species.
        Worker = "wrk",
        /// `ctrl.`: a control.
        Control = "ctrl",
        /// `prof.`: a profile.
        Profile = "prof",
        /// `pol.`: a policy.
        Policy = "pol",
        /// `evt.`: a telemetry event.
        Event = "evt",
    }
}

impl EntryType {
    pub fn of_id(id: &str) -> Option<EntryType> {
        id.split_once('.')
            .and_then(|(prefix, _)| EntryType::parse(prefix))
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    entries: Vec<CatalogFileEntry>,
}

/// The catalogue file of PyHall's SDK. What else stands in it is not used.
#[derive(serde::Deserialize)]
struct Entities {
    entities: Vec<Entity>,
}

#[derive(serde::Deserialize)]
struct Entity {
    #[serde(deserialize_with = "typed")]
    id: (String, EntryType),
    name: String,
    #[serde(default, deserialize_with = "shape::or_default")]
    description: String,
    #[serde(default, deserialize_with = "shape::or_default")]
    tags: Vec<String>,
    #[serde(default)]
    risk_tier: Option<String>,
    /// Of a worker.
    #[serde(default, deserialize_with = "shape::or_default")]
    serves_capabilities: Vec<String>,
    #[serde(default, deserialize_with = "shape::or_default")]
    required_controls: Vec<String>,
    /// Of a capability.
    #[serde(default, deserialize_with = "shape::or_default")]
    typical_controls: Vec<String>,
    /// Of a profile or a policy.
    #[serde(default, deserialize_with = "shape::or_default")]
    controls_required: Vec<String>,
}

/// An entry of it, whose type its id tells.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFileEntry {
    #[serde(deserialize_with = "typed")]
    id: (String, EntryType),
    name: String,
    description: String,
    #[serde(default, deserialize_with = "shape::or_default")]
    tags: Vec<String>,
    #[serde(default, deserialize_with = "shape::or_default")]
    related: Vec<String>,
}

fn typed<'v, D: Deserializer<'v>>(deserializer: D) -> Result<(String, EntryType), D::Error> {
    let expected = "an id that begins with cap., wrk., ctrl., prof., pol. or evt.";
    shape::read_text(deserializer, expected, |id| {
        Some((id.to_owned(), EntryType::of_id(id)?))
    })
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CatalogEntry {
    /// Unique, such as `cap.doc.summarize`.
    pub id: String,
    #[serde(rename = "type")]
    pub entry_type: EntryType,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    /// How risky it is, in the words of the catalogue, where that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_tier: Option<String>,
    /// What it belongs with: ids that may or may not be in the catalogue. Of a
    /// worker, its capabilities and the controls that it needs.
    pub related: Vec<String>,
}

impl CatalogEntry {
    fn new(described: CatalogFileEntry) -> CatalogEntry {
        let (id, entry_type) = described.id;
        CatalogEntry {
            id,
            entry_type,
            name: described.name,
            description: described.description,
            tags: described.tags,
            risk_tier: None,
            related: described.related,
        }
    }

    fn of_sdk(entity: Entity) -> CatalogEntry {
        let (id, entry_type) = entity.id;
        let related = [
            entity.serves_capabilities,
            entity.required_controls,
            entity.typical_controls,
            entity.controls_required,
        ];
        CatalogEntry {
            id,
            entry_type,
            name: entity.name,
            description: entity.description,
            tags: entity.tags,
            risk_tier: entity.risk_tier,
            related: related.concat(),
        }
    }

    /// `{"id", "type", "name", "description", "tags", "related"}`, and `risk_tier` where
    /// the catalogue has one.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    entries: Vec<CatalogEntry>,
    by_id: HashMap<String, usize>,
}

/// Why a catalogue was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    #[error("not JSON: {0}")]
    NotJson(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("entry {index} has the id \"{id}\" of an earlier one")]
    DuplicateId { index: usize, id: String },
}

static BUILT_IN: LazyLock<Catalog> = LazyLock::new(|| {
    // A test reads it too, so that an error in it cannot be shipped.
    Catalog::parse(include_bytes!("../../fixtures/catalog.json")).unwrap_or_default()
});

impl Catalog {
    /// Reads `{"entries": [{"id", "name", "description", "tags", "related"}]}`, or the
    /// catalogue file of PyHall's SDK: `{"_meta", "entities": [{"id", "type", …}]}`.
    pub fn parse(text: &[u8]) -> Result<Catalog, CatalogError> {
        let document = parse(text)?;
        let entries: Vec<CatalogEntry> = if document.get("entities").is_some() {
            let document: Entities = shape::read(&document, "")?;
            document
                .entities
                .into_iter()
                .map(CatalogEntry::of_sdk)
                .collect()
        } else {
            let document: CatalogFile = shape::read(&document, "")?;
            document
                .entries
                .into_iter()
                .map(CatalogEntry::new)
                .collect()
        };
        let mut catalog = Catalog::default();
        for (index, entry) in entries.into_iter().enumerate() {
            let id = entry.id.clone();
            if catalog.by_id.insert(id.clone(), index).is_some() {
                return Err(CatalogError::DuplicateId { index, id });
            }
            catalog.entries.push(entry);
        }
        Ok(catalog)
    }

    /// The small catalogue that comes with the program.
    pub fn built_in() -> &'static Catalog {
        &BUILT_IN
    }

    /// Every entry, in the order of the document.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    pub fn browse(&self, entry_type: EntryType) -> impl Iterator<Item = &CatalogEntry> {
        let entries = self.entries.iter();
        entries.filter(move |entry| entry.entry_type == entry_type)
    }

    pub fn explain(&self, id: &str) -> Option<&CatalogEntry> {
        self.entries.get(*self.by_id.get(id)?)
    }

    /// The entries that name `id` as related.
    pub fn referring_to<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a CatalogEntry> {
        let entries = self.entries.iter();
        entries.filter(move |entry| entry.related.iter().any(|related| related == id))
    }

    /// The entries that match every word of `query` fuzzily, the best first.
    pub fn search(&self, query: &str) -> Vec<CatalogMatch<'_>> {
        let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
        if pattern.atoms.is_empty() {
            return Vec::new();
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut found: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let head = format!("{} {} {}", entry.id, entry.name, entry.tags.join(" "));
                let whole = format!("{head} {}", entry.description);
                let mut score =
                    |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
                // What it is called tells more than what is said about it.
                let score = score(&whole)?.saturating_add(score(&head).unwrap_or(0));
                Some(CatalogMatch { entry, score })
            })
            .collect();
        found.sort_by(|a, b| {
            b.score
                .cmp(&a.score)
                .then_with(|| a.entry.id.cmp(&b.entry.id))
        });
        found
    }
}

/// An entry that was searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogMatch<'a> {
    pub entry: &'a CatalogEntry,
    /// How well it matches; only the order means anything.
    pub score: u32,
}
