//! A ledger under campaign: what was acknowledged of it, and the judge.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::Value;

use super::place::{Place, codes, warnings};
use super::tally::Tally;

pub(crate) struct Book {
    /// The ledger's folder.
    pub(crate) ledger: String,
    pub(crate) key: String,
    /// How many receipts are kept.
    pub(crate) acknowledged: u64,
    /// Entries of each request that are there, and how many there must be.
    requests: HashMap<u64, (u64, u64)>,
    /// Entries up to here were looked at.
    looked: u64,
    /// The hash of the last entry, when it was judged last.
    pub(crate) head: String,
}

impl Book {
    /// The ledger in `ledger`, which exists.
    pub(crate) fn of(place: &Place, ledger: &str) -> Book {
        let key = place.must(&["--ledger", ledger, "key"]).stdout;
        Book {
            ledger: ledger.to_owned(),
            key: key.trim().to_owned(),
            acknowledged: 0,
            requests: HashMap::new(),
            looked: 0,
            head: String::new(),
        }
    }

    /// How many entries it had when it was judged last.
    pub(crate) const fn entries(&self) -> u64 {
        self.looked
    }

    /// Whether the entries of a request are there.
    pub(crate) fn holds(&self, request: u64) -> bool {
        self.requests.contains_key(&request)
    }

    /// The file that its headers are published in.
    pub(crate) fn published(&self) -> String {
        format!("{}.public", self.ledger)
    }

    /// What was printed or answered as a receipt.
    pub(crate) fn acknowledge(&mut self, place: &Place, receipts: &[Value]) {
        if receipts.is_empty() {
            return;
        }
        let mut lines = String::new();
        for receipt in receipts {
            lines.push_str(&format!("{receipt}\n"));
        }
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .open(place.path(&self.receipts()));
        file.unwrap().write_all(lines.as_bytes()).unwrap();
        self.acknowledged += receipts.len() as u64;
    }

    pub(crate) fn receipts(&self) -> String {
        format!("{}.receipts", self.ledger)
    }

    /// The line of an entry that belongs to a request of `of` entries.
    pub(crate) fn entry(request: u64, of: u64, padding: u64) -> String {
        let padding = "x".repeat(usize::try_from(padding).unwrap_or(0));
        format!(
            r#"{{"kind":"note","payload":{{"r":{request},"of":{of},"tenant_id":"t{}","padding":"{padding}"}}}}"#,
            request % 5
        )
    }

    /// Verifies the ledger as it lies there, and holds it against what was
    /// acknowledged. Returns how many entries it has.
    pub(crate) fn judge(&mut self, place: &Place, after: &str, tally: &mut Tally) -> u64 {
        let (receipts, published) = (self.receipts(), self.published());
        let mut args = vec!["--json", "verify", &self.ledger, "--key", &self.key];
        if self.acknowledged > 0 {
            args.extend(["--receipts", &receipts]);
        }
        // It may have been made, and nothing been written into it.
        if place.holds(&published) {
            args.extend(["--contains", &published]);
        }
        let ran = place.run(&args);
        let report = ran.document();
        if ran.status != Some(0) || report["verdict"] != "pass" {
            tally.find(format!(
                "{after}: verification fails: {:?} {:?} {}",
                ran.status,
                codes(&report),
                ran.stderr.trim()
            ));
        }
        if warnings(&report)
            .iter()
            .any(|code| code == "interrupted_write")
        {
            tally.count("cut writes that the report calls a crash");
        }
        report["head"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.head);
        let entries = report["entries"].as_u64().unwrap_or(0);
        self.look(place, after, entries, tally);
        entries
    }

    /// Requests are there whole or not at all, and once.
    fn look(&mut self, place: &Place, after: &str, entries: u64, tally: &mut Tally) {
        if entries <= self.looked {
            if entries < self.looked {
                tally.find(format!(
                    "{after}: {} entries are {entries} now",
                    self.looked
                ));
            }
            return;
        }
        let from = self.looked.to_string();
        let ran = place.run(&[
            "--json",
            "--ledger",
            &self.ledger,
            "log",
            "--from-seq",
            &from,
        ]);
        let found = ran.documents();
        if found.len() as u64 != entries - self.looked {
            tally.find(format!(
                "{after}: the log lists {} of {entries} from {from}",
                found.len()
            ));
        }
        for entry in &found {
            let payload = &entry["payload"];
            if let (Some(request), Some(of)) = (payload["r"].as_u64(), payload["of"].as_u64()) {
                let there = self.requests.entry(request).or_insert((0, of));
                there.0 += 1;
            }
        }
        for (request, (there, of)) in &self.requests {
            if there != of {
                tally.find(format!(
                    "{after}: {there} of the {of} entries of request {request}"
                ));
            }
        }
        self.looked = entries;
    }
}
