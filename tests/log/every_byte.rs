//! A published folder, one byte changed at a time: anyone who reads it refuses it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use sealbook::ledger::fault::{FaultCode, NotChecked, Report, Verdict};
use sealbook::ledger::json::Object;
use sealbook::ledger::policy::Policy;
use sealbook::ledger::tlog::judged::judge_log;
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::TileSource;
use sealbook::ledger::witness_policy::{WitnessPolicy, parse};
use sealbook::monitor::{Monitor, State};
use sealbook::publish::{Folder, PublicLog, alone};
use sealbook::{Ledger, Options};

use crate::made::{NOW, ORIGIN, at};

/// The files of a folder.
struct Files(BTreeMap<Resource, Vec<u8>>);

impl TileSource for &Files {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&resource).cloned())
    }
}

impl Files {
    fn of(folder: &Path) -> Files {
        fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<Resource, Vec<u8>>) {
            for item in fs::read_dir(folder).unwrap() {
                let path = item.unwrap().path();
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                if path.is_dir() {
                    walk(root, &path, files);
                } else if !name.starts_with('.') {
                    files.insert(name.parse().unwrap(), fs::read(&path).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(folder, folder, &mut files);
        Files(files)
    }

    /// With every byte of `resource` changed in some way, one at a time.
    fn each_changed(&mut self, resource: Resource, mut look: impl FnMut(&Files, usize)) {
        for at in 0..self.0[&resource].len() {
            for flip in [0x01, 0x20, 0x80] {
                self.0.get_mut(&resource).unwrap()[at] ^= flip;
                look(self, at);
                self.0.get_mut(&resource).unwrap()[at] ^= flip;
            }
        }
    }
}

/// Entries under two headers, and some that no header seals; and the log's policy.
fn published(folder: &Path) -> (Policy, WitnessPolicy) {
    let ledger = Ledger::in_memory(Options::new("public")).unwrap();
    ledger.bind_name(&ORIGIN.parse().unwrap(), None).unwrap();
    let append = || ledger.append("note", &Object::new()).unwrap();
    append();
    ledger.seal().unwrap().unwrap();
    append();
    append();
    ledger.seal().unwrap().unwrap();
    append();
    let mut log = PublicLog::new(Folder::open(folder).unwrap(), "folder");
    ledger.publish(&mut log, &mut alone).unwrap();
    let policy = Policy {
        keys: vec![ledger.key()],
        ..Policy::default()
    };
    let vkey = ledger.verifier_key().unwrap().unwrap();
    let watched = parse(format!("log {vkey}\nquorum none\n").as_bytes()).unwrap();
    (policy, watched)
}

fn judged(files: &Files, policy: &Policy) -> Report {
    judge_log(&files, policy).unwrap()
}

#[test]
fn no_file_of_a_published_folder_has_a_byte_that_carries_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, watched) = published(folder.path());
    let mut files = Files::of(folder.path());
    let names: Vec<Resource> = files.0.keys().copied().collect();
    let whole = judged(&files, &policy);
    assert_eq!(whole.verdict, Verdict::Pass, "{whole:?}");
    assert_eq!(
        whole.not_checked,
        [NotChecked::Signatures, NotChecked::Chain]
    );
    // The checkpoint, headers, and one tile and bundle of all entries.
    assert_eq!(names.len(), 4, "{names:?}");
    for resource in names {
        let state = tempfile::tempdir().unwrap();
        files.each_changed(resource, |files, place| {
            let report = judged(files, &policy);
            assert_eq!(report.verdict, Verdict::Fail, "byte {place} of {resource}");
            if resource == Resource::Headers {
                assert_eq!(report.faults[0].code, FaultCode::TileInvalid);
                assert!(
                    report.faults[0].detail.contains("headers"),
                    "{:?}",
                    report.faults
                );
                return;
            }
            // A monitor reads what the clients of transparency logs read.
            let fresh = state.path().join(place.to_string());
            let state = State::new(&fresh);
            let monitor = Monitor {
                policy: &watched,
                state: &state,
                max_age: u64::MAX,
            };
            let looked = monitor.look("memory", &files, at(NOW)).unwrap();
            assert!(!looked.is_in_order(), "byte {place} of {resource}");
        });
    }
}

#[test]
fn headers_that_were_cut_are_refused_and_what_is_being_added_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, _) = published(folder.path());
    let mut files = Files::of(folder.path());
    let whole = files.0[&Resource::Headers].clone();
    let said = |files: &Files| {
        let report = judged(files, &policy);
        let fault = report.faults.first().map(|fault| fault.detail.clone());
        (fault, report.not_checked.contains(&NotChecked::Heads))
    };
    // Cut anywhere, it does not reach as far as the checkpoint, or ends within a line.
    for length in 0..whole.len() - 1 {
        files.0.insert(Resource::Headers, whole[..length].to_vec());
        let (fault, _) = said(&files);
        assert!(fault.is_some_and(|it| it.contains("headers")), "{length}");
    }
    // A line that a writer has not finished, behind all that the checkpoint names.
    let line = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    for length in 0..line.len() - 1 {
        let begun = [&whole, &line[..length]].concat();
        files.0.insert(Resource::Headers, begun);
        assert_eq!(said(&files), (None, false), "{length}");
    }
    // Who mirrors the tiles alone has none, which is said.
    files.0.remove(&Resource::Headers);
    assert_eq!(said(&files), (None, true));
}
