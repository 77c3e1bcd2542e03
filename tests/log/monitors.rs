//! A monitor over logs that grow, fork, go back, lie and grow old.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use sealbook::fetch::Fetcher;
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::{Verdict, WarningCode};
use sealbook::ledger::key::Signer as _;
use sealbook::ledger::note;
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::ledger::tlog::resource::{Resource, Slot};
use sealbook::ledger::witness_policy::{WitnessPolicy, parse};
use sealbook::monitor::{LogFindings, Monitor, MonitorCode, MonitorError, State, prometheus};

use crate::made::{self, Log, NOW, at, log_key};
use crate::server::Server;

const DAY: i64 = 86_400;

struct Scene {
    _folder: tempfile::TempDir,
    state: State,
    policy: WitnessPolicy,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        Scene {
            state: State::new(folder.path()),
            _folder: folder,
            policy: made::policy(["a:", "b:", "c:"]),
        }
    }

    fn look_at(&self, log: &Log, seconds: i64) -> LogFindings {
        let monitor = Monitor {
            policy: &self.policy,
            state: &self.state,
            max_age: 86_400,
        };
        monitor.look("memory", &log, at(seconds)).unwrap()
    }

    fn look(&self, log: &Log) -> LogFindings {
        self.look_at(log, NOW)
    }
}

fn codes(watched: &LogFindings) -> Vec<MonitorCode> {
    watched
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

/// The file convicts the log's key, for anybody who has that key.
fn convicts(proof: &str) {
    let key = made::signer(1).public_key();
    let report = judge_equivocation(&fs::read(proof).unwrap(), &[key]);
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
    let codes: Vec<_> = report.warnings.iter().map(|found| found.code).collect();
    assert_eq!(codes, [WarningCode::EquivocationProven]);
}

/// A log whose checkpoint two witnesses cosigned.
fn witnessed(size: u64, fork: u64, history: u8) -> Log {
    let log = Log::new(size, fork, history);
    log.publish(&log.cosigned(&[(1, NOW - 60), (2, NOW - 30)]));
    log
}

#[test]
fn a_log_that_grows_is_in_order_and_every_entry_is_checked() {
    let scene = Scene::new();
    for size in [0, 1, 255, 256, 257, 600, 70_000] {
        let watched = scene.look(&witnessed(size, size, 0));
        assert!(watched.is_in_order(), "{watched:?}");
        assert_eq!(watched.size, Some(size));
        assert_eq!(watched.checked, size);
        assert_eq!(watched.cosigned.len(), 2);
        // By the earliest of the quorum, whose word it is that nothing is newer.
        assert_eq!(watched.age_seconds, 60);
    }
}

#[test]
fn two_checkpoints_of_one_size_convict_and_both_are_kept() {
    let scene = Scene::new();
    let (one, other) = (witnessed(300, 290, 1), witnessed(300, 290, 2));
    assert!(scene.look(&one).is_in_order());
    for _ in 0..2 {
        let watched = scene.look(&other);
        assert_eq!(codes(&watched), [MonitorCode::Equivocation]);
        let (proof, notes) = watched.findings[0].evidence.split_last().unwrap();
        let kept: Vec<_> = notes.iter().map(|path| fs::read(path).unwrap()).collect();
        convicts(proof);
        let notes =
            [&one, &other].map(|log| log.files.lock().unwrap()[&Resource::Checkpoint].clone());
        assert_eq!(kept, notes);
    }
    // What was in order stays what is known.
    assert!(scene.look(&one).is_in_order());
}

#[test]
fn a_log_that_grew_out_of_another_history_is_convicted_by_a_proof() {
    for (before, fork, after) in [(300, 290, 400), (256, 10, 300), (7, 6, 9), (1, 0, 2)] {
        let scene = Scene::new();
        assert!(scene.look(&witnessed(before, fork, 1)).is_in_order());
        let watched = scene.look(&witnessed(after, fork, 2));
        assert_eq!(codes(&watched), [MonitorCode::Forked], "{before} {after}");
        let evidence = &watched.findings[0].evidence;
        assert_eq!(evidence.len(), 3);
        convicts(&evidence[2]);
    }
}

#[test]
fn a_log_that_went_back_is_named_whatever_it_has_become() {
    let scene = Scene::new();
    assert!(scene.look(&witnessed(300, 300, 0)).is_in_order());
    let watched = scene.look(&witnessed(299, 299, 0));
    assert_eq!(codes(&watched), [MonitorCode::RolledBack]);
    assert_eq!(watched.findings[0].evidence.len(), 2);
}

#[test]
fn missing_and_changed_files_are_named_and_convict_nobody() {
    let last = Resource::Entries(Slot {
        index: 1,
        width: 44,
    });
    let edge = Resource::Tile {
        level: 0,
        at: Slot {
            index: 1,
            width: 44,
        },
    };
    for resource in [last, edge] {
        let cut = |bytes: &mut Vec<u8>| bytes.truncate(40);
        let flip = |bytes: &mut Vec<u8>| bytes[40] ^= 1;
        type Change<'c> = &'c dyn Fn(&mut Vec<u8>);
        let changes: [Change<'_>; 2] = [&cut, &flip];
        for change in changes {
            let scene = Scene::new();
            assert!(scene.look(&witnessed(256, 256, 0)).is_in_order());
            let log = witnessed(300, 300, 0);
            change(log.files.lock().unwrap().get_mut(&resource).unwrap());
            let watched = scene.look(&log);
            assert_eq!(codes(&watched), [MonitorCode::FilesWrong], "{resource}");
            assert!(watched.findings[0].evidence.is_empty());
            let log = witnessed(300, 300, 0);
            log.files.lock().unwrap().remove(&resource);
            assert_eq!(
                codes(&scene.look(&log)),
                [MonitorCode::FilesWrong],
                "{resource}"
            );
            // Put right, it goes on.
            let watched = scene.look(&witnessed(300, 300, 0));
            assert!(watched.is_in_order());
            assert_eq!(watched.checked, 300);
        }
    }
}

#[test]
fn a_missing_quorum_and_an_old_checkpoint_are_named() {
    let scene = Scene::new();
    let log = Log::new(9, 9, 0);
    let watched = scene.look(&log);
    assert_eq!(codes(&watched), [MonitorCode::QuorumMissing]);
    log.publish(&log.cosigned(&[(3, NOW)]));
    assert_eq!(codes(&scene.look(&log)), [MonitorCode::QuorumMissing]);
    // A quorum may be late: the checkpoint is as old as the earliest of the best one.
    log.publish(&log.cosigned(&[(1, NOW), (2, NOW), (3, NOW - 9 * DAY)]));
    assert!(scene.look_at(&log, NOW + DAY).is_in_order());
    assert_eq!(
        codes(&scene.look_at(&log, NOW + DAY + 1)),
        [MonitorCode::Stale]
    );
    // Without witnesses it is as old as it is known.
    let scene = Scene {
        policy: parse(format!("log {}\nquorum none\n", log_key()).as_bytes()).unwrap(),
        ..Scene::new()
    };
    let log = Log::new(9, 9, 0);
    assert!(scene.look_at(&log, NOW).is_in_order());
    assert!(scene.look_at(&log, NOW + DAY).is_in_order());
    assert_eq!(
        codes(&scene.look_at(&log, NOW + DAY + 1)),
        [MonitorCode::Stale]
    );
}

#[test]
fn hostile_notes_are_named_faults() {
    let log = witnessed(9, 9, 0);
    let own = log.cosigned(&[(1, NOW), (2, NOW)]).to_string();
    let other_name = own.replace(made::ORIGIN, "log.example/other");
    let other_key = {
        let text = log.checkpoint.to_string();
        let line = note::sign(&text, &made::ORIGIN.parse().unwrap(), &made::signer(2)).unwrap();
        format!("{text}\n{line}")
    };
    let wrong = own.replacen("\n9\n", "\n8\n", 1);
    let wrong_witness = {
        let line = made::cosignature("x\n", 1, NOW);
        let mut note = log.signed().into_note();
        note.add(line).unwrap();
        note.add(made::cosignature(note.text(), 2, NOW)).unwrap();
        note.to_string()
    };
    let future = log
        .cosigned(&[(1, NOW + 301), (2, NOW), (3, NOW)])
        .to_string();
    let hundred: String = (0..100).map(|n| format!("— w{n} AAAAAAA=\n")).collect();
    for (name, bytes, expected) in [
        (
            "nothing",
            String::new(),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "html",
            "<html>\n".to_owned(),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "no newline",
            own.trim_end().to_owned(),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "cr",
            own.replace('\n', "\r\n"),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "no signature",
            format!("{}\n", log.checkpoint),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "100 more",
            format!("{own}{hundred}"),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "2^63",
            own.replacen("\n9\n", "\n9223372036854775808\n", 1),
            vec![MonitorCode::CheckpointInvalid],
        ),
        (
            "09",
            own.replacen("\n9\n", "\n09\n", 1),
            vec![MonitorCode::CheckpointInvalid],
        ),
        ("another name", other_name, vec![MonitorCode::UntrustedKey]),
        ("another key", other_key, vec![MonitorCode::UntrustedKey]),
        ("another size", wrong, vec![MonitorCode::UntrustedKey]),
        (
            "a wrong cosignature",
            wrong_witness,
            vec![MonitorCode::CosignatureInvalid, MonitorCode::QuorumMissing],
        ),
        (
            "a time to come",
            future,
            vec![MonitorCode::CosignatureInvalid],
        ),
    ] {
        let scene = Scene::new();
        log.files
            .lock()
            .unwrap()
            .insert(Resource::Checkpoint, bytes.into_bytes());
        assert_eq!(codes(&scene.look(&log)), expected, "{name}");
    }
    log.files.lock().unwrap().remove(&Resource::Checkpoint);
    let watched = Scene::new().look(&log);
    assert_eq!(codes(&watched), [MonitorCode::Unreachable]);
    assert!(watched.is_unanswered());
}

#[test]
fn a_policy_without_logs_watches_nothing() {
    let scene = Scene {
        policy: parse(b"quorum none\n").unwrap(),
        ..Scene::new()
    };
    let monitor = Monitor {
        policy: &scene.policy,
        state: &scene.state,
        max_age: 1,
    };
    let looked = monitor.look("memory", &&witnessed(9, 9, 0), at(NOW));
    assert!(matches!(looked, Err(MonitorError::NoLog)));
}

#[test]
fn the_figures_are_what_prometheus_reads() {
    let scene = Scene::new();
    let mut watched = scene.look(&witnessed(300, 300, 0));
    "a\"b\\c\nd".clone_into(&mut watched.place);
    let text = prometheus(&[watched], at(NOW));
    let label = r#"place="a\"b\\c\nd",origin="log.example/made""#;
    for line in [
        "# TYPE sealbook_monitor_up gauge".to_owned(),
        format!("sealbook_monitor_up{{{label}}} 1"),
        format!("sealbook_monitor_entries{{{label}}} 300"),
        format!("sealbook_monitor_findings{{{label},code=\"equivocation\"}} 0"),
        format!("sealbook_monitor_looked_seconds {NOW}"),
    ] {
        assert!(text.lines().any(|is| is == line), "{line}\n{text}");
    }
}

#[test]
fn a_log_on_a_server_is_read_whole_bundles_included() {
    let log = witnessed(513, 513, 0);
    let files = log.files.lock().unwrap().clone();
    let server = Server::new(move |request, stream| {
        let path = request.line.split(' ').nth(1).unwrap();
        let resource = path
            .strip_prefix("/log/")
            .and_then(|path| path.parse().ok());
        let body = resource.and_then(|resource: Resource| files.get(&resource));
        let status = if body.is_some() { 200 } else { 404 };
        let body = body.cloned().unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    });
    let scene = Scene::new();
    let monitor = Monitor {
        policy: &scene.policy,
        state: &scene.state,
        max_age: 86_400,
    };
    let at_server = |path: &str| {
        let url = format!("{}{path}", server.url);
        let source = sealbook::monitor::Server::new(Fetcher::new(Duration::from_secs(5)), &url);
        monitor.look(&url, &source, at(NOW)).unwrap()
    };
    let watched = at_server("/log/");
    assert!(watched.is_in_order(), "{watched:?}");
    assert_eq!(watched.checked, 513);
    assert_eq!(codes(&at_server("/elsewhere")), [MonitorCode::Unreachable]);
}

#[test]
fn the_book_that_continues_a_closed_one_is_followed_wherever_it_is_served() {
    let scene = Scene::new();
    let next = {
        let mut log = Log::new(5, 5, 7);
        format!("{}/2", made::ORIGIN).clone_into(&mut log.checkpoint.origin);
        log
    };
    let name: note::KeyName = next.checkpoint.origin.parse().unwrap();
    let key = note::VerifierKey::new(
        name.clone(),
        note::Algorithm::Ed25519(made::signer(2).public_key()),
    );
    let signed = || {
        let text = next.checkpoint.to_string();
        let line = note::sign(&text, &name, &made::signer(2)).unwrap();
        let mut note = note::Note::new(text, vec![line]).unwrap();
        for witness in [1, 2] {
            let line = made::cosignature(note.text(), witness, NOW);
            note.add(line).unwrap();
        }
        SignedCheckpoint::of_note(note).unwrap()
    };
    next.publish(&signed());
    // Nobody vouches for it yet.
    assert_eq!(codes(&scene.look(&next)), [MonitorCode::UntrustedKey]);
    let closing = |line: String| {
        let mut log = Log::new(300, 300, 0);
        log.checkpoint.extensions = vec![line];
        log.publish(&log.cosigned(&[(1, NOW), (2, NOW)]));
        scene.look(&log)
    };
    for wrong in [
        "nonsense".to_owned(),
        log_key().to_string(),
        note::VerifierKey::new(
            "log.example/made/3".parse().unwrap(),
            key.algorithm().clone(),
        )
        .to_string(),
    ] {
        assert_eq!(
            codes(&closing(format!("successor {wrong}"))),
            [MonitorCode::SuccessorInvalid]
        );
    }
    assert_eq!(codes(&scene.look(&next)), [MonitorCode::UntrustedKey]);
    let closed = closing(format!("successor {key}"));
    assert!(closed.is_in_order(), "{closed:?}");
    assert_eq!(closed.successor, Some(key.to_string()));
    let followed = scene.look(&next);
    assert!(followed.is_in_order(), "{followed:?}");
    assert_eq!((followed.size, followed.checked), (Some(5), 5));
    // A closed book does not name another one afterwards.
    let other = note::Algorithm::Ed25519(made::signer(3).public_key());
    let other = note::VerifierKey::new(name, other);
    assert_eq!(
        codes(&closing(format!("successor {other}"))),
        [MonitorCode::SuccessorInvalid]
    );
}
