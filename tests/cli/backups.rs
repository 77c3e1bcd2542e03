//! Copies of a ledger, and putting them back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::locks::Writer;
use crate::place::{Place, codes, fault};

#[test]
fn a_backup_is_a_ledger_with_its_mark_and_without_its_key() {
    let place = Place::with_tail();
    let run = place.run(&["backup", "copy"]).ok();
    assert!(
        run.stdout
            .starts_with("copied and verified 9 entries, 1 epochs\n"),
        "{run:?}"
    );
    let mut names: Vec<_> = fs::read_dir(place.path("copy"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ledger", "ledger.mark"]);
    let key = place.key();
    // Nothing of the original is needed.
    fs::rename(place.path("ledger"), place.path("gone")).unwrap();
    fs::remove_file(place.path("ledger.mark")).unwrap();
    fs::rename(place.path("ledger.key.pem"), place.path("away")).unwrap();
    let verify = ["--json", "--ledger", "copy/ledger", "verify", "--key", &key];
    let report = place.run(&verify).ok().document();
    assert_eq!(report["entries"], 9);
    place.run(&["--ledger", "copy/ledger", "head"]).ok();
    // Put back where they were, they go on.
    place.copy("copy/ledger", "ledger");
    fs::copy(place.path("copy/ledger.mark"), place.path("ledger.mark")).unwrap();
    fs::rename(place.path("away"), place.path("ledger.key.pem")).unwrap();
    place.append(9..11);
    assert_eq!(place.count(), 11);
    place.run(&["verify"]).ok();
}

#[test]
fn a_backup_beside_a_writer_is_whole_and_the_writer_goes_on() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    for n in 0..300 {
        writer.append(&format!("{{\"n\":{n},\"tenant_id\":\"t{}\"}}", n % 2));
    }
    let made = place.run(&["--json", "backup", "copy"]).ok();
    assert!(made.stderr.contains("this is as of entry 305"), "{made:?}");
    let made = made.document();
    assert_eq!(
        (&made["as_of"], &made["marked"]),
        (&305.into(), &305.into())
    );
    assert_eq!(writer.append("{}")["seq"], 306);
    writer.close();
    place
        .run(&["--ledger", "copy/ledger", "verify", "--key", &place.key()])
        .ok();
    let found = place.run(&["--json", "--ledger", "copy/ledger", "log", "--tenant", "t1"]);
    assert_eq!(found.ok().documents().len(), 150);
    let shown = place
        .run(&["--ledger", "copy/ledger", "prove", "3", "-o", "p"])
        .ok();
    assert_eq!(shown.status, 0);
    place.run(&["verify", "p", "--key", &place.key()]).ok();
}

#[test]
fn an_older_backup_beside_a_newer_mark_is_a_rollback_until_it_is_accepted() {
    let place = Place::sealed();
    place.run(&["backup", "copy"]).ok();
    place.append(6..9);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("copy/ledger", "ledger");
    let report = place.run(&["--json", "verify"]).ends_with(1).document();
    assert_eq!(fault(&report).0, "rollback_detected");
    let refused = place.run(&["--json", "append", "--kind", "k", "--payload", "{}"]);
    assert_eq!(
        refused.ends_with(2).document()["error"]["code"],
        "rollback_detected"
    );
    place
        .run(&["accept-rollback", "--reason", "restored from backup"])
        .ok();
    place.append(6..7);
    place.run(&["verify"]).ok();
    // One says that the rollback was accepted, one that a write was refused before.
    assert_eq!(place.count(), 9);
    let refusals = place.run(&["--json", "log", "--kind", "hall.refusal"]).ok();
    let refused = &refusals.document()["payload"]["refused"];
    assert_eq!(refused[0]["fault"], "rollback_detected");
}

#[test]
fn what_is_not_whole_is_not_backed_up() {
    let place = Place::sealed();
    // There is something.
    for name in ["ledger", "made"] {
        let _ = fs::create_dir(place.path("made"));
        place.run(&["--json", "backup", name]).refused(
            "exists",
            &format!("{name} exists already"),
            "move it away, or choose another place",
        );
    }
    // A mark at fault.
    let mark = fs::read(place.path("ledger.mark")).unwrap();
    fs::remove_file(place.path("ledger.mark")).unwrap();
    let refused = place
        .run(&["--json", "backup", "copy"])
        .ends_with(2)
        .document();
    assert_eq!(refused["error"]["code"], "mark_missing");
    fs::write(place.path("ledger.mark"), mark).unwrap();
    // An entry at fault.
    crate::rows::edit(&place, |db| {
        let entries = db.cf_handle("entries").unwrap();
        let mut record = db.get_cf(entries, 3_u64.to_be_bytes()).unwrap().unwrap();
        *record.last_mut().unwrap() ^= 1;
        db.put_cf(entries, 3_u64.to_be_bytes(), record).unwrap();
    });
    let report = place
        .run(&["--json", "backup", "copy"])
        .ends_with(1)
        .document();
    assert!(codes(&report).contains(&"signature_invalid"), "{report}");
    assert!(!place.path("copy").exists());
    let left = fs::read_dir(place.dir()).unwrap();
    let hidden = left.filter(|f| {
        f.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(hidden.count(), 0);
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_in_its_place() {
    let place = Place::sealed();
    let lines: String = (0..3_000)
        .map(|n| format!("{{\"kind\":\"k\",\"payload\":{{\"n\":{n}}}}}\n"))
        .collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    let mut done = 0;
    for number in 0..12 {
        let name = format!("copy{number}");
        let mut command = place.command(&["backup", &name]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Wherever it has come to by then.
        for _ in 0..number * 40_000 {
            std::hint::spin_loop();
            if child.try_wait().unwrap().is_some() {
                break;
            }
        }
        let _ended = child.kill();
        child.wait().unwrap();
        if place.path(&name).exists() {
            done += 1;
            let ledger = format!("{name}/ledger");
            place.run(&["--ledger", &ledger, "verify"]).ok();
        }
    }
    eprintln!("{done} of 12 were done before they were killed");
    place.run(&["verify"]).ok();
}

/// Links, times of change (`mtime`, `ctime`) and content of a file.
type Seen = (u64, i64, i64, i64, i64, Vec<u8>);

/// What may be known of the files in a folder.
fn seen(dir: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let of = fs::symlink_metadata(&path).unwrap();
            let content = if of.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let times = (of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
            files.insert(
                path,
                (of.nlink(), times.0, times.1, times.2, times.3, content),
            );
        }
    }
    files
}

#[test]
fn commands_that_read_leave_the_ledger_as_it_was() {
    // Closed in order, and as a power cut leaves it.
    for place in [Place::with_tail(), Place::after_power_cut()] {
        let before = seen(&place.path("ledger"));
        for args in [
            &["backup", "out/copy"][..],
            &["backup", "out/copy"],
            &["verify"],
            &["log"],
            &["epochs"],
            &["head"],
            &["key"],
            &["show", "3"],
            &["stats"],
            &["prove", "3", "-o", "out/proof"],
            &["export", "--from", "0", "--to", "5", "-o", "out/bundle"],
            &["replay"],
            &["diff", "ledger", "out/copy/ledger"],
        ] {
            fs::create_dir_all(place.path("out")).unwrap();
            let run = place.run(args);
            assert!(run.status <= 2, "{run:?}");
            assert_eq!(seen(&place.path("ledger")), before, "{args:?}");
        }
        place.run(&["--ledger", "out/copy/ledger", "verify"]).ok();
    }
}

#[test]
fn tables_are_linked_only_if_that_is_asked_for() {
    let place = Place::with_tail();
    let links = |place: &Place| {
        let tables = place.files(".sst");
        let count = |path: &PathBuf| fs::metadata(path).unwrap().nlink();
        tables.iter().map(count).collect::<Vec<_>>()
    };
    place.run(&["backup", "copy"]).ok();
    assert!(links(&place).iter().all(|links| *links == 1));
    place.run(&["backup", "linked", "--link"]).ok();
    assert!(links(&place).iter().all(|links| *links == 2));
    place.append(9..12);
    place.run(&["--ledger", "linked/ledger", "verify"]).ok();
    place.run(&["verify"]).ok();
}

#[test]
fn who_examines_a_copy_is_not_sent_to_change_it() {
    let place = Place::sealed();
    fs::remove_file(place.path("ledger.mark")).unwrap();
    let run = place.run(&["backup", "copy"]).ends_with(2);
    assert!(!run.stderr.contains("accept-rollback"), "{run:?}");
    assert!(run.stderr.contains("--mark FILE"), "{run:?}");
}
