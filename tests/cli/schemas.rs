//! What `--json` prints, held against the schema that `sealbook schema` gives out for the
//! command. [`hold`] is called for whatever any test of this suite reads as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::place::Place;

/// The schemas by command, each asked for once.
static SCHEMAS: Mutex<BTreeMap<String, Option<Value>>> = Mutex::new(BTreeMap::new());

/// Flags of every command that take a value.
const WITH_VALUE: [&str; 6] = [
    "--ledger", "--socket", "--ca", "--mark", "--wait", "--bucket",
];

/// That these are documents of the command in `args`. A command that prints files or
/// text has no schema, and is not looked at.
pub(crate) fn hold(args: &[String], documents: &[Value]) {
    if !args.iter().any(|arg| arg == "--json") {
        return;
    }
    let Some((command, schema)) = schema_of(args) else {
        return;
    };
    for document in documents {
        let held = Schema(&schema).holds(&schema, document);
        held.unwrap_or_else(|why| panic!("{command}: {why}\n{document:#}"));
    }
}

/// Of the command with a subcommand, or of the one without.
fn schema_of(args: &[String]) -> Option<(String, Value)> {
    let mut words = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if WITH_VALUE.contains(&arg.as_str()) {
            args.next();
        } else if !arg.starts_with('-') {
            words.push(arg.as_str());
        }
    }
    let both = words.get(..2).map(|words| words.join(" "));
    let one = words.first().map(|word| (*word).to_owned());
    both.into_iter().chain(one).find_map(|command| {
        let schema = schema(&command)?;
        Some((command, schema))
    })
}

fn schema(command: &str) -> Option<Value> {
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = schemas.entry(command.to_owned());
    let schema = known.or_insert_with(|| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sealbook"));
        let run = program
            .arg("schema")
            .args(command.split(' '))
            .output()
            .unwrap();
        let printed = run.status.success();
        printed.then(|| serde_json::from_slice(&run.stdout).unwrap())
    });
    schema.clone()
}

/// A document of schemas, as far as `sealbook schema` uses the language. What it does not
/// know is a fault, and so is a member that no schema names.
struct Schema<'s>(&'s Value);

impl Schema<'_> {
    fn holds(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(keywords) = schema.as_object() else {
            return Err(format!("no schema: {schema}"));
        };
        self.is_known(keywords, value)?;
        let extra = value.as_object().into_iter().flat_map(Map::keys);
        let named = self.named(schema);
        let unknown: Vec<_> = match named {
            Some(named) => extra.filter(|name| !named.contains(*name)).collect(),
            None => Vec::new(),
        };
        match unknown.as_slice() {
            [] => Ok(()),
            unknown => Err(format!("no schema names {unknown:?}")),
        }
    }

    /// The members that are named; none where any may stand.
    fn named(&self, schema: &Value) -> Option<BTreeSet<String>> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.named(self.referred(reference));
        }
        if let Some(all) = schema["allOf"].as_array() {
            let all: Vec<_> = all.iter().map(|one| self.named(one)).collect();
            return all.into_iter().try_fold(BTreeSet::new(), |mut named, one| {
                named.extend(one?);
                Some(named)
            });
        }
        let free = schema.get("additionalProperties").is_some();
        let names = schema["properties"].as_object().filter(|_| !free);
        names.map(|names| names.keys().cloned().collect())
    }

    fn referred(&self, reference: &str) -> &Value {
        let name = reference.strip_prefix("#/$defs/").expect(reference);
        &self.0["$defs"][name]
    }

    fn is_known(&self, keywords: &Map<String, Value>, value: &Value) -> Result<(), String> {
        for (keyword, said) in keywords {
            let wrong = || format!("{keyword} {said} does not hold of {value}");
            let holds = match keyword.as_str() {
                "$schema" | "title" | "description" | "$defs" | "format" => true,
                "$ref" => return self.holds(self.referred(said.as_str().unwrap()), value),
                "type" => has_type(said, value),
                "pattern" => value.as_str().is_none_or(|text| matches(said, text)),
                "minimum" => value.as_f64().is_none_or(|n| n >= said.as_f64().unwrap()),
                "required" => match value.as_object() {
                    Some(members) => {
                        let required = said.as_array().unwrap().iter();
                        required
                            .map(|name| name.as_str().unwrap())
                            .all(|name| members.contains_key(name))
                    }
                    None => true,
                },
                "properties" => {
                    for (name, schema) in said.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.holds(schema, member)
                                .map_err(|why| format!("{name}: {why}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let named = keywords.get("properties").and_then(Value::as_object);
                    for (name, member) in value.as_object().into_iter().flatten() {
                        if !named.is_some_and(|named| named.contains_key(name)) {
                            self.holds(said, member)
                                .map_err(|why| format!("{name}: {why}"))?;
                        }
                    }
                    true
                }
                "propertyNames" => true,
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.holds(said, item)?;
                    }
                    true
                }
                "allOf" => {
                    // Each by itself, and the members of all together, which are looked at above.
                    for one in said.as_array().unwrap() {
                        let one = match one["$ref"].as_str() {
                            Some(reference) => self.referred(reference),
                            None => one,
                        };
                        self.is_known(one.as_object().unwrap(), value)?;
                    }
                    true
                }
                "anyOf" | "oneOf" => {
                    let all = said.as_array().unwrap();
                    let refused: Vec<_> = all.iter().map(|one| self.holds(one, value)).collect();
                    if refused.iter().all(Result::is_err) {
                        let why: Vec<_> = refused.into_iter().filter_map(Result::err).collect();
                        return Err(why.join("; or "));
                    }
                    true
                }
                other => panic!("{other} is a word that this test does not know"),
            };
            if !holds {
                return Err(wrong());
            }
        }
        Ok(())
    }
}

fn has_type(said: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not a type"),
    };
    match said {
        Value::String(name) => is(name),
        several => several
            .as_array()
            .unwrap()
            .iter()
            .any(|name| is(name.as_str().unwrap())),
    }
}

/// The two sorts of patterns that there are.
fn matches(pattern: &Value, text: &str) -> bool {
    let pattern = pattern.as_str().unwrap();
    let hex = pattern
        .strip_prefix("^[0-9a-f]{")
        .and_then(|rest| rest.strip_suffix("}$"));
    if let Some(digits) = hex {
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        return text.len().to_string() == digits && text.bytes().all(lower);
    }
    assert!(pattern.starts_with(r"^\d{4}-"), "{pattern}");
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    [
        "0000-00-00T00:00:00+00:00",
        "0000-00-00T00:00:00.000000+00:00",
    ]
    .contains(&shape.as_str())
}

/// What stands in no document is refused, and so is what lacks a member: a schema that
/// holds of everything would say nothing.
#[test]
fn a_schema_refuses_what_is_no_document_of_its_command() {
    let place = Place::initialised();
    let schema = schema("head").unwrap();
    let holds = |value: &Value| Schema(&schema).holds(&schema, value);
    let good = place.run(&["--json", "head"]).ok().document();
    assert_eq!(holds(&good), Ok(()));
    let mut more = good.clone();
    more["head"]["more"] = json!(1);
    let mut less = good.clone();
    less["head"].as_object_mut().unwrap().remove("ts");
    let mut other = good.clone();
    other["key"] = json!("ab");
    for bad in [
        more,
        less,
        other,
        json!({}),
        json!([]),
        json!({"error": {"code": "io"}}),
    ] {
        assert!(holds(&bad).is_err(), "{bad}");
    }
    assert_eq!(
        holds(&json!({"error": {"code": "io", "detail": "d"}})),
        Ok(())
    );
}

#[test]
fn every_schema_is_listed_and_given_out() {
    let place = Place::empty();
    let listed = place.run(&["schema"]).ok().stdout;
    assert!(listed.lines().count() > 50, "{listed}");
    for command in listed.lines() {
        let schema = schema(command).expect(command);
        assert_eq!(schema["title"], format!("sealbook {command} --json"));
    }
    let unknown = place.run(&["--json", "schema", "completions"]);
    assert_eq!(unknown.status, 2, "{unknown:?}");
}
