//! Decisions of the archive taken again, each partition by itself; and the engines that
//! spread them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealbook::bucket::Address;
use sealbook::ledger::json::Value as Json;
use sealbook::ledger::position::Seq;
use sealbook::logbook::entry_at;
use sealbook::logbook::request::PreparedEntry;
use sealbook::{Ledger, Options};
use serde_json::{Value, json};

use crate::commands::{Run, Site};
use crate::fleet::{Hall, registry};
use crate::skipped::skipped;

/// A Hall with two epochs of two decisions each.
fn scene(site: &Site) -> Hall {
    registry(site);
    let hall = Hall::make(site, "east");
    for case in ["c-1", "c-2"] {
        hall.route(site, "acme", case).ok();
        assert_eq!(hall.route(site, "beta", case).status, 1);
        hall.run(site, &["seal"]).ok();
    }
    hall
}

fn fold(site: &Site, hall: &Hall, epochs: &str, more: &[&str]) -> Run {
    let url = format!("{}/log/{}", site.url(), hall.genesis);
    let args = [
        "fold", "--json", "--epochs", epochs, &url, "--key", &hall.key,
    ];
    hall.run(site, &[&args, more].concat())
}

/// Records the last decision once more, changed: as the holder of the log's key could.
/// Gives its number.
fn forge(
    site: &Site,
    hall: &Hall,
    change: impl FnOnce(&mut sealbook::ledger::json::Object),
) -> u64 {
    let address = Address::parse(site.url()).unwrap();
    let key = site.path(&format!("keys/{}.pem", hall.name));
    let options = Options::new("").bucket(address).key_file(key);
    let ledger = Ledger::open(site.path(&format!("{}/ledger", hall.name)), options).unwrap();
    let last = ledger.store().last_seq().unwrap().unwrap();
    let decided = (0..=last.0).rev().find_map(|seq| {
        let entry = entry_at(ledger.store(), Seq(seq)).unwrap();
        (entry.kind() == "wcp.decision").then(|| entry.check_payload().unwrap())
    });
    let mut payload = decided.unwrap();
    change(&mut payload);
    let prepared = PreparedEntry::new("wcp.decision", &payload).unwrap();
    let receipts = ledger
        .logbook()
        .unwrap()
        .submit(vec![prepared])
        .unwrap()
        .wait()
        .unwrap();
    let seq = receipts[0].seq.0;
    ledger.close().unwrap();
    hall.run(site, &["seal"]).ok();
    seq
}

/// The denial is taken out of the decision.
fn allow(payload: &mut sealbook::ledger::json::Object) {
    let Some(Json::Object(decision)) = payload.get("decision").cloned() else {
        panic!("no decision in {payload:?}");
    };
    let mut decision = decision;
    decision.insert("denied", false);
    decision.insert("deny_reason_if_denied", Json::Null);
    payload.insert("decision", Json::Object(decision));
}

fn faults(document: &Value) -> Vec<(String, u64)> {
    let faults = document["faults"].as_array().unwrap().iter();
    let mut named: Vec<_> = faults
        .map(|fault| {
            (
                fault["code"].as_str().unwrap().to_owned(),
                fault["epoch"].as_u64().unwrap(),
            )
        })
        .collect();
    named.dedup();
    named
}

#[test]
fn the_decisions_of_each_epoch_are_taken_again_and_the_parts_join() {
    let site = Site::new();
    let hall = scene(&site);
    let whole = fold(&site, &hall, "0..2", &["--decisions"]).ok().document();
    assert_eq!(
        whole["decisions"],
        json!({"decisions": 4, "could_not_evaluate": 0})
    );
    let parts: String = ["0..1", "1..2"]
        .map(|epochs| {
            fold(&site, &hall, epochs, &["--part", "--decisions"])
                .ok()
                .stdout
        })
        .concat();
    fs::write(site.path("parts"), &parts).unwrap();
    let joined = hall
        .run(&site, &["fold", "parts", "--json"])
        .ok()
        .document();
    assert_eq!(joined, whole);
    // Where one part's were not taken again, nothing is said of the whole.
    let plain = fold(&site, &hall, "1..2", &["--part"]).ok().stdout;
    let first = parts.lines().next().unwrap();
    fs::write(site.path("parts"), format!("{first}\n{plain}")).unwrap();
    let joined = hall
        .run(&site, &["fold", "parts", "--json"])
        .ok()
        .document();
    assert_eq!(joined["decisions"], Value::Null);
}

#[test]
fn a_decision_that_was_changed_is_named_with_its_epoch_and_entry() {
    let site = Site::new();
    let hall = scene(&site);
    let seq = forge(&site, &hall, allow);
    // Its signature, links and seals are the log's own.
    fold(&site, &hall, "0..3", &[]).ok();
    let taken = fold(&site, &hall, "0..3", &["--decisions"]);
    let document = taken.document();
    assert_eq!(taken.status, 1, "{taken:?}");
    assert_eq!(faults(&document), [("decision_mismatch".to_owned(), 2)]);
    let detail = document["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("entry {seq}: ")), "{detail}");
}

#[test]
fn a_decision_under_another_rule_set_than_it_names_is_named() {
    let site = Site::new();
    let hall = scene(&site);
    // Rules that give another worker are in the log, too, by a decision of their own.
    let rules = fs::read_to_string(site.path("rules.json")).unwrap();
    fs::write(site.path("rules.json"), rules.replace("rr_dev", "rr_other")).unwrap();
    hall.route(&site, "acme", "c-3").ok();
    let log = hall
        .run(&site, &["log", "--kind", "wcp.decision", "--json"])
        .ok();
    let lines: Vec<Value> = log
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rules_of = |entry: &Value| {
        entry["payload"]["context"]["rules"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, last) = (rules_of(&lines[0]), rules_of(lines.last().unwrap()));
    assert_ne!(first, last);
    let seq = forge(&site, &hall, |payload| {
        let Some(Json::Object(context)) = payload.get("context").cloned() else {
            panic!("no context");
        };
        let mut context = context;
        context.insert("rules", first);
        payload.insert("context", Json::Object(context));
    });
    let taken = fold(&site, &hall, "0..3", &["--decisions"]);
    let document = taken.document();
    assert_eq!(faults(&document), [("decision_mismatch".to_owned(), 2)]);
    let detail = document["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("entry {seq}: ")), "{detail}");
}

/// The Python of the environment that `tools/prepare` makes, if it has the engine.
fn python(package: &str, engine: &str) -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")));
    let venv = from("SEALBOOK_VENV").or_else(|| Some(cache?.join("sealbook/python")));
    let python = venv.map(|venv| venv.join("bin/python"));
    let has = |python: &PathBuf| {
        let import = Command::new(python)
            .args(["-c", &format!("import {package}")])
            .output();
        import.is_ok_and(|output| output.status.success())
    };
    let found = python.filter(has);
    if found.is_none() {
        skipped(&format!("no {engine} in the environment of tools/prepare"));
    }
    found
}

fn engine(python: &Path, name: &str, site: &Site, halls: &[&Hall]) -> (i32, Vec<Value>) {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/audit");
    let mut command = Command::new(python);
    command
        .env("PYTHONPATH", &tools)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(tools.join(name))
        .args([
            "--sealbook",
            env!("CARGO_BIN_EXE_sealbook"),
            "--epochs",
            "1",
            "--decisions",
        ]);
    for hall in halls {
        command.arg(format!("{}/log/{}={}", site.url(), hall.genesis, hall.key));
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let verdicts = lines.map(|line| serde_json::from_str(line).unwrap());
    (
        output.status.code().unwrap_or_else(|| panic!("{said}")),
        verdicts.collect(),
    )
}

fn engine_names_a_forged_decision(name: &str, package: &str, engine_name: &str) {
    let Some(python) = python(package, engine_name) else {
        return;
    };
    let site = Site::new();
    let east = scene(&site);
    let west = Hall::make(&site, "west");
    west.route(&site, "acme", "c-1").ok();
    west.run(&site, &["seal"]).ok();
    let (code, verdicts) = engine(&python, name, &site, &[&east, &west]);
    assert_eq!((code, verdicts.len()), (0, 2), "{verdicts:#?}");
    assert_eq!(verdicts[0]["decisions"]["decisions"], 4);
    assert_eq!(verdicts[1]["decisions"]["decisions"], 1);
    let seq = forge(&site, &east, allow);
    let (code, verdicts) = engine(&python, name, &site, &[&east, &west]);
    assert_eq!(code, 1);
    assert_eq!(faults(&verdicts[0]), [("decision_mismatch".to_owned(), 2)]);
    let detail = verdicts[0]["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("entry {seq}: ")), "{detail}");
    assert_eq!(verdicts[1]["verdict"], "pass");
}

#[test]
fn spark_names_a_forged_decision_with_its_index() {
    engine_names_a_forged_decision("spark", "pyspark", "Spark");
}

#[test]
fn ray_names_a_forged_decision_with_its_index() {
    engine_names_a_forged_decision("ray", "ray", "Ray");
}
