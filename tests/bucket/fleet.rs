//! Many logs in one bucket: what is shown of each, what a fleet log records of them, and
//! one case out of all of them.

use std::fs;
use std::path::PathBuf;

use sealbook::ledger::json::Form;
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;
use sealbook::logbook::entry_at;
use sealbook::logbook::request::PreparedEntry;
use sealbook::{Ledger, Options};
use serde_json::{Value, json};

use crate::commands::{Run, Site, copy};
use crate::crossing::query;

const RULES: &str = r#"{"rules":[{"rule_id":"rr_dev","match":{"capability_id":"cap.doc.summarize","env":"dev"},
    "decision":{"candidate_workers_ranked":[{"worker_species_id":"wrk.doc.summarizer"}],
    "required_controls_suggested":["ctrl.obs.audit"],"escalation":{"policy_gate":true}}}]}"#;

const POLICY: &str = "package wcp\n\ndefault gate := {\"decision\": \"DENY\", \"policy_version\": \"p1\", \"reason\": \"nobody\"}\n\ngate := {\"decision\": \"ALLOW\", \"policy_version\": \"p1\", \"reason\": \"acme\"} if input.tenant_id == \"acme\"\n";

/// A Hall: a machine whose log has a key of its own.
pub(crate) struct Hall {
    pub(crate) name: &'static str,
    pub(crate) genesis: String,
    pub(crate) key: String,
}

impl Hall {
    pub(crate) fn make(site: &Site, name: &'static str) -> Hall {
        let key = format!("keys/{name}.pem");
        let init = ["init", "--key", &key, "--origin", name, "--json"];
        let made = site.run(name, &init).ok().document();
        let text = |member: &str| made[member].as_str().unwrap().to_owned();
        Hall {
            name,
            genesis: text("genesis"),
            key: text("log"),
        }
    }

    pub(crate) fn run(&self, site: &Site, args: &[&str]) -> Run {
        let mut command = site.command(self.name, args);
        command.env("SEALBOOK_KEY", format!("keys/{}.pem", self.name));
        Run::of(command.output().unwrap())
    }

    pub(crate) fn note(&self, site: &Site, n: u64) {
        let payload = format!("{{\"n\":{n}}}");
        let append = ["append", "--kind", "note", "--payload", &payload];
        self.run(site, &append).ok();
    }

    /// A decision of the case; whether it was denied is told by its exit status.
    pub(crate) fn route(&self, site: &Site, tenant: &str, case: &str) -> Run {
        let args = [
            "--json",
            "route",
            "--capability",
            "cap.doc.summarize",
            "--policy",
            "gate.rego",
            "--tenant-id",
            tenant,
            "--correlation-id",
            case,
        ];
        self.run(site, &args)
    }

    /// An object of its log.
    pub(crate) fn object(&self, site: &Site, key: &str) -> PathBuf {
        site.path(&format!("bucket/log/{}/{key}", self.genesis))
    }
}

/// The rules, the policy and the worker that Halls decide by.
pub(crate) fn registry(site: &Site) {
    fs::write(site.path("rules.json"), RULES).unwrap();
    fs::write(site.path("gate.rego"), POLICY).unwrap();
    fs::create_dir(site.path("enrolled")).unwrap();
    let record = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.doc.summarizer",
        "capabilities": ["cap.doc.summarize"], "currently_implements": ["ctrl.obs.audit"]});
    fs::write(site.path("enrolled/w.json"), record.to_string()).unwrap();
}

/// Three Halls in one bucket. The case c-1 goes through two of them, in epochs apart from
/// their documents.
pub(crate) fn scene(site: &Site) -> [Hall; 3] {
    registry(site);
    let halls = ["east", "west", "south"].map(|name| Hall::make(site, name));
    let [east, west, south] = &halls;
    east.route(site, "acme", "c-0").ok();
    east.run(site, &["seal"]).ok();
    east.route(site, "acme", "c-1").ok();
    assert_eq!(west.route(site, "beta", "c-1").status, 1);
    east.route(site, "acme", "c-1").ok();
    for hall in &halls {
        hall.note(site, 1);
        hall.run(site, &["seal"]).ok();
    }
    south.note(site, 2);
    halls
}

/// A command on the bucket, on a machine that has nothing of it.
pub(crate) fn fleet(site: &Site, args: &[&str]) -> Run {
    let mut command = site.command("office", args);
    command
        .env_remove("SEALBOOK_BUCKET")
        .env_remove("SEALBOOK_KEY");
    Run::of(command.output().unwrap())
}

fn documents(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn status(site: &Site, more: &[&str]) -> (i32, Vec<Value>) {
    let args = [&["fleet", "status", site.url(), "--json"], more].concat();
    let run = fleet(site, &args);
    (run.status, documents(&run))
}

pub(crate) fn of<'d>(documents: &'d [Value], hall: &Hall) -> &'d Value {
    let mut found = documents.iter();
    found.find(|one| one["genesis"] == hall.genesis).unwrap()
}

fn record(site: &Site, more: &[&str]) -> (i32, Vec<Value>) {
    let args = [&["fleet", "record", site.url(), "--json"], more].concat();
    let run = fleet(site, &args);
    (run.status, documents(&run))
}

pub(crate) fn codes(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let faults = document["faults"].as_array().unwrap().iter();
    faults
        .map(|fault| (text(&fault["code"]), text(&fault["object"])))
        .collect()
}

fn shows_every_log(site: &Site) {
    let halls = scene(site);
    let (code, logs) = status(site, &[]);
    assert_eq!((code, logs.len()), (0, 3), "{logs:#?}");
    for hall in &halls {
        let log = of(&logs, hall);
        assert_eq!(log["log"], hall.key);
        assert_eq!(
            (&log["origin"], &log["trusted"]),
            (&json!(hall.name), &Value::Null)
        );
        assert_eq!(
            (&log["faults"], &log["audited"]),
            (&json!([]), &Value::Null)
        );
        // The head is the one that the machine itself has.
        let head = hall.run(site, &["head"]).ok().document();
        assert_eq!(log["head"]["seq"], head["head"]["seq"], "{log:#}");
        assert_eq!(log["head"]["hash"], head["head"]["hash"]);
        let last = hall.run(site, &["log", "--reverse", "--limit", "1", "--json"]);
        assert_eq!(log["head"]["ts"], last.ok().document()["ts"]);
        assert!((0..600).contains(&log["head"]["age_seconds"].as_i64().unwrap()));
    }
    let (east, south) = (of(&logs, &halls[0]), of(&logs, &halls[2]));
    assert_eq!((&east["epochs"], &east["missing"]), (&json!(2), &json!(0)));
    // The entry that no epoch seals yet is after the last that one does.
    assert_eq!(south["sealed"]["seq"], 1);
    assert_eq!(south["head"]["seq"], 2);
}

#[test]
fn every_log_of_a_bucket_is_shown_with_its_head_and_age() {
    shows_every_log(&Site::new());
}

#[test]
fn every_log_of_a_real_server_is_shown_and_a_case_found_in_it() {
    let Some((site, _gateway)) = crate::s3::on_a_server() else {
        return;
    };
    shows_every_log(&site);
    let found = query(&site, "c-1", &["-o", "case"]).ok().document();
    assert_eq!(found["timeline"].as_array().unwrap().len(), 3, "{found:#}");
}

#[test]
fn a_key_that_was_not_given_is_named() {
    let site = Site::new();
    let halls = scene(&site);
    let keys = ["--key", &halls[0].key, "--key", &halls[1].key];
    let (code, logs) = status(&site, &keys);
    assert_eq!(code, 1);
    assert_eq!(of(&logs, &halls[0])["trusted"], true);
    let south = of(&logs, &halls[2]);
    assert_eq!(
        codes(south),
        [("log_key_mismatch".to_owned(), "wal/0/0".to_owned())]
    );
    // It is not recorded, and nothing of it is given out.
    fleet(&site, &["init"]).ok();
    let (code, recorded) = record(&site, &keys);
    assert_eq!(code, 1);
    assert_eq!(of(&recorded, &halls[2])["seq"], Value::Null);
    assert!(of(&recorded, &halls[0])["seq"].is_u64());
}

#[test]
fn what_is_no_log_and_no_part_of_one_is_named() {
    let site = Site::new();
    let halls = scene(&site);
    let stray = site.path("bucket/log/not-a-genesis/wal/0");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("0"), "x").unwrap();
    fs::write(halls[0].object(&site, "epoch/01.header"), "x").unwrap();
    fs::write(halls[0].object(&site, "epoch/evil"), "x").unwrap();
    // A header that another log signed, and one that nobody did.
    let foreign = fs::read(halls[0].object(&site, "epoch/0.header")).unwrap();
    fs::write(halls[1].object(&site, "epoch/0.header"), foreign).unwrap();
    let header = halls[2].object(&site, "epoch/0.header");
    let own = fs::read_to_string(&header).unwrap();
    fs::write(&header, own.replacen("\"last_seq\":1", "\"last_seq\":2", 1)).unwrap();
    let (code, logs) = status(&site, &[]);
    assert_eq!(code, 1);
    assert_eq!(logs[0]["passed_over"], json!(["log/not-a-genesis"]));
    let named = |hall: usize| codes(of(&logs, &halls[hall]));
    let fault = |code: &str, object: &str| (code.to_owned(), object.to_owned());
    let mut east = named(0);
    east.sort();
    assert_eq!(
        east,
        [
            fault("schema_violation", "epoch/01.header"),
            fault("schema_violation", "epoch/evil"),
        ]
    );
    assert_eq!(named(1), [fault("log_key_mismatch", "epoch/0.header")]);
    assert_eq!(
        named(2),
        [fault("epoch_signature_invalid", "epoch/0.header")]
    );
}

#[test]
fn objects_of_the_log_that_were_changed_swapped_or_are_too_large_are_named() {
    let site = Site::new();
    let halls = scene(&site);
    let last = |hall: &Hall| {
        let mut at = None;
        for generation in fs::read_dir(hall.object(&site, "wal")).unwrap() {
            for object in fs::read_dir(generation.unwrap().path()).unwrap() {
                let path = object.unwrap().path();
                let n: u64 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
                at = at.max(Some((n, path)));
            }
        }
        at.unwrap().1
    };
    let first = last(&halls[0]);
    let mut bytes = fs::read(&first).unwrap();
    let end = bytes.len() - 3;
    bytes[end] ^= 1;
    fs::write(&first, bytes).unwrap();
    let genesis = fs::read(halls[2].object(&site, "wal/0/0")).unwrap();
    fs::write(halls[1].object(&site, "wal/0/0"), genesis).unwrap();
    fs::File::create(halls[2].object(&site, "wal/0/0"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let (code, logs) = status(&site, &[]);
    assert_eq!(code, 1);
    let east = codes(of(&logs, &halls[0]));
    let place = first.to_str().unwrap().rsplit_once("wal/").unwrap().1;
    assert_eq!(
        east,
        [("schema_violation".to_owned(), format!("wal/{place}"))]
    );
    assert_eq!(codes(of(&logs, &halls[1]))[0].1, "wal/0/0");
    let too_large = &of(&logs, &halls[2])["faults"][0];
    assert!(
        too_large["detail"]
            .as_str()
            .unwrap()
            .contains("larger than"),
        "{too_large}"
    );
}

#[test]
fn a_fleet_log_records_what_each_log_sealed_since_and_joins_it_to_what_it_knew() {
    let site = Site::new();
    let halls = scene(&site);
    fleet(&site, &["init"]).ok();
    let (code, recorded) = record(&site, &[]);
    assert_eq!(code, 0, "{recorded:#?}");
    assert_eq!(of(&recorded, &halls[0])["verified"], json!([0, 2]));
    let (code, again) = record(&site, &[]);
    assert_eq!(code, 0);
    assert_eq!(of(&again, &halls[0])["seq"], Value::Null, "nothing is new");
    halls[0].note(&site, 7);
    halls[0].run(&site, &["seal"]).ok();
    let (_, since) = record(&site, &[]);
    let east = of(&since, &halls[0]);
    assert_eq!(
        (&east["verified"], &east["entries"]),
        (&json!([2, 3]), &json!(1))
    );
    assert_eq!(east["seq"], 4, "after three of the first time");
    let (_, whole) = record(&site, &["--whole"]);
    assert_eq!(of(&whole, &halls[0])["verified"], json!([0, 3]));
    // What is recorded is evidence as any entry, and the status says it.
    let log = fleet(&site, &["log", "--kind", "sealbook:fleet", "--json"]).ok();
    let entries = documents(&log);
    assert_eq!(entries.len(), 7);
    let headers = entries
        .iter()
        .map(|entry| &entry["payload"]["header"]["epoch"]);
    let of_east = headers.filter(|header| header["genesis"] == halls[0].genesis);
    assert_eq!(
        of_east.map(|h| h["epoch"].clone()).collect::<Vec<_>>(),
        [1, 2, 2]
    );
    fleet(&site, &["verify", "--json"]).ok();
    let (code, logs) = status(&site, &[]);
    assert_eq!(code, 0);
    let audited = &of(&logs, &halls[0])["audited"];
    assert_eq!(
        (&audited["from"], &audited["epoch"]),
        (&json!(0), &json!(2)),
        "{audited:#}"
    );
    assert!((0..600).contains(&audited["age_seconds"].as_i64().unwrap()));
}

#[test]
fn a_log_that_lost_or_changed_what_was_recorded_is_named_and_not_recorded() {
    let site = Site::new();
    let halls = scene(&site);
    fleet(&site, &["init"]).ok();
    record(&site, &[]);
    let [east, west, south] = &halls;
    let named = |hall: &Hall| {
        let (code, recorded) = record(&site, &["--whole"]);
        let recorded = of(&recorded, hall);
        assert_eq!((code, &recorded["seq"]), (1, &Value::Null), "{recorded:#}");
        codes(recorded)[0].clone()
    };
    // Put back to before its last epoch.
    for name in ["epoch/1.header", "epoch/1.bundle.zst"] {
        fs::remove_file(east.object(&site, name)).unwrap();
    }
    assert_eq!(
        named(east),
        ("truncated".to_owned(), "epoch/1.header".to_owned())
    );
    // A bundle that does not decompress, and one that is missing.
    let bundle = west.object(&site, "epoch/0.bundle.zst");
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&bundle, bytes).unwrap();
    assert_eq!(named(west).1, "epoch/0.bundle.zst");
    fs::remove_file(south.object(&site, "epoch/0.bundle.zst")).unwrap();
    assert_eq!(named(south).0, "sequence_gap");
}

#[test]
fn a_log_with_two_histories_under_one_key_is_convicted_by_what_was_recorded() {
    let site = Site::new();
    registry(&site);
    let hall = Hall::make(&site, "east");
    // The same machine and key go on from one copy twice.
    let copies = ["bucket", "east", "keys"];
    for name in copies {
        copy(&site.path(name), &site.path(&format!("{name}.before")));
    }
    hall.note(&site, 1);
    hall.run(&site, &["seal"]).ok();
    fleet(&site, &["init"]).ok();
    assert_eq!(record(&site, &[]).0, 0);
    for name in copies {
        fs::remove_dir_all(site.path(name)).unwrap();
        fs::rename(site.path(&format!("{name}.before")), site.path(name)).unwrap();
    }
    hall.note(&site, 2);
    hall.run(&site, &["seal"]).ok();
    let (code, recorded) = record(&site, &[]);
    assert_eq!(code, 1);
    let named = ("equivocation".to_owned(), "epoch/0.header".to_owned());
    assert_eq!(codes(of(&recorded, &hall)), [named]);
}

#[test]
fn an_entry_of_a_fleet_log_that_says_what_no_log_signed_counts_for_nothing() {
    let site = Site::new();
    let hall = Hall::make(&site, "south");
    hall.note(&site, 1);
    hall.run(&site, &["seal"]).ok();
    fleet(&site, &["init"]).ok();
    record(&site, &[]);
    let ledger = Ledger::open(site.path("office/ledger"), Options::new("")).unwrap();
    let entry = entry_at(ledger.store(), Seq(1)).unwrap();
    let honest = entry.check_payload().unwrap();
    let mut forged = [honest.clone(), honest.clone(), honest];
    let header = forged[0].get("header").unwrap().canonical(Form::Utf8);
    let header = header.replacen("\"last_seq\":1", "\"last_seq\":9", 1);
    forged[0].insert("header", parse(header.as_bytes()).unwrap());
    forged[1].insert("from", 99_u64);
    forged[2].insert(
        "checkpoint",
        "log.example/x\n1\nAAAA\n\n— log.example/x AAAA\n",
    );
    for payload in &forged {
        let prepared = PreparedEntry::new("sealbook:fleet", payload).unwrap();
        let logbook = ledger.logbook().unwrap();
        logbook.submit(vec![prepared]).unwrap().wait().unwrap();
    }
    ledger.close().unwrap();
    let (code, documents) = status(&site, &[]);
    assert_eq!(code, 1);
    let named: Vec<_> = codes(&documents[0]);
    let entries = [2, 3, 4].map(|seq| format!("entry {seq} of the fleet log"));
    let expected = entries.map(|entry| ("schema_violation".to_owned(), entry));
    assert_eq!(named, expected, "{documents:#?}");
    let audited = &of(&documents, &hall)["audited"];
    assert_eq!((&audited["seq"], &audited["epoch"]), (&json!(1), &json!(0)));
}
