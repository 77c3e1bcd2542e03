//! Evidence of other logs, taken in by the program.

use std::fs;

use serde_json::Value;

use crate::place::{Place, codes};

/// Another ledger's evidence, put beside ours.
fn foreign(place: &Place) -> String {
    let other = Place::sealed();
    for args in [
        &["export", "-o", "all.bundle"][..],
        &["export", "-o", "part.bundle", "--until-seq", "2"],
        &[
            "export",
            "-o",
            "some.bundle",
            "--kind",
            "note",
            "--limit",
            "2",
        ],
        &["export", "-o", "book", "--format", "logbook"],
        &["prove", "4", "-o", "4.proof"],
    ] {
        other.run(args).ok();
        let name = args.iter().find(|arg| other.path(arg).is_file()).unwrap();
        fs::copy(other.path(name), place.path(name)).unwrap();
    }
    other.key()
}

#[test]
fn an_imported_log_answers_only_when_it_is_asked_for() {
    let place = Place::initialised();
    let key = foreign(&place);
    let run = place.run(&["import", "all.bundle", "--key", &key]).ok();
    assert!(
        run.stdout
            .starts_with("imported bundle with 6 entries, 1 epochs\n")
    );
    assert!(run.stdout.contains("recorded as entry 1\n"));
    let again = place
        .run(&["--json", "import", "all.bundle", "--key", &key])
        .ok();
    let again = again.document();
    assert_eq!(
        (&again["outcome"], &again["seq"]),
        (&"known".into(), &1.into())
    );
    // Ours has our two entries and none of theirs.
    assert_eq!(place.count(), 2);
    place.run(&["log", "--kind", "note"]).ends_with(1);
    place.run(&["show", "4"]).ends_with(1);
    place.run(&["prove", "4", "-o", "x"]).ends_with(1);
    place.run(&["verify"]).ok();

    let found = place
        .run(&[
            "--json",
            "log",
            "--log",
            &key,
            "--kind",
            "note",
            "--limit",
            "2",
            "--reverse",
        ])
        .ok()
        .documents();
    let seqs: Vec<_> = found.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [5, 4]);
    assert!(found.iter().all(|entry| entry["log"] == key.as_str()));
    let genesis = found[0]["genesis"].as_str().unwrap();
    let shown = place
        .run(&["--json", "show", "5", "--log", &key])
        .ok()
        .document();
    assert_eq!(shown, found[0]);
    let named = format!("{key}:{genesis}");
    let text = place.run(&["show", genesis, "--log", &named]).ok().stdout;
    assert!(text.starts_with(&format!(
        "log       {key}\ngenesis   {genesis}\nentry     0\n"
    )));
    let text = place.run(&["log", "--log", &key]).ok().stdout;
    assert_eq!(text.lines().count(), 7);
    assert!(
        text.lines()
            .skip(1)
            .all(|line| line.trim_start().starts_with(&key[..16]))
    );
    place.run(&["show", "6", "--log", &key]).ends_with(1);
    let ours = place.key();
    place.run(&["--json", "log", "--log", &ours]).refused_with(
        1,
        "not_found",
        &format!("nothing of the log {ours} was imported"),
        "`sealbook import --list` shows what was imported",
    );

    // It is given on as it came.
    place.run(&["export", "--log", &key, "-o", "given"]).ok();
    assert_eq!(place.read("given"), place.read("all.bundle"));
    place.run(&["verify", "given", "--key", &key]).ok();
}

#[test]
fn every_format_is_imported_and_listed() {
    let place = Place::initialised();
    let key = foreign(&place);
    let names = [
        "4.proof",
        "some.bundle",
        "part.bundle",
        "book",
        "all.bundle",
    ];
    for name in names {
        let run = place.run(&["--json", "import", name, "--key", &key]).ok();
        assert_eq!(run.document()["outcome"], "imported", "{name}");
    }
    let listed = place.run(&["--json", "import", "--list"]).ok().documents();
    assert_eq!(listed.len(), names.len());
    for (n, name) in names.iter().enumerate() {
        let entry = place
            .run(&["--json", "show", &(n + 1).to_string()])
            .ok()
            .document();
        let digest = entry["payload"]["digest"].as_str().unwrap().to_owned();
        let hex = digest.strip_prefix("blake2b-256:").unwrap();
        assert!(
            listed
                .iter()
                .any(|line| line["digest"] == hex && line["seq"] == n as u64 + 1)
        );
        place
            .run(&["export", "--file", &digest, "-o", "given"])
            .ok();
        assert_eq!(place.read("given"), place.read(name));
    }
    place
        .run(&["export", "--log", &key, "-o", "x"])
        .ends_with(2);
    let text = place.run(&["import", "--list"]).ok().stdout;
    assert_eq!(text.lines().count(), 1 + names.len());
    place.run(&["verify"]).ok();
}

#[test]
fn what_does_not_verify_is_refused_as_verify_would() {
    let place = Place::initialised();
    let key = foreign(&place);
    let none = place
        .run(&["--json", "import", "all.bundle"])
        .ends_with(1)
        .document();
    assert_eq!(none["outcome"], "refused");
    assert_eq!(codes(&none["report"]), ["untrusted_key"]);
    let text = place.read("all.bundle").replace("\"n\":3", "\"n\":7");
    place.write("forged.bundle", text);
    let forged = place
        .run(&["import", "forged.bundle", "--key", &key])
        .ends_with(1);
    assert!(
        forged.stdout.starts_with("FAIL  bundle, 6 entries"),
        "{forged:?}"
    );
    let book = place.run(&["--json", "import", "book", "--key", &key, "--as", "bundle"]);
    assert_eq!(
        codes(&book.ends_with(1).document()["report"]),
        ["format_mismatch"]
    );
    place
        .run(&["export", "-o", "ours", "--format", "logbook"])
        .ok();
    let ours = place.key();
    place
        .run(&["--json", "import", "ours", "--key", &ours])
        .refused_with(
            1,
            "own_key",
            "it is signed with this ledger's own key: it is no other log",
            "",
        );
    place.run(&["import", "ledger", "--key", &key]).ends_with(2);
    place
        .run(&["import", "nowhere", "--key", &key])
        .ends_with(2);
    assert_eq!(place.count(), 1);
    // Nothing is left lying about.
    let names = fs::read_dir(place.dir()).unwrap();
    let hidden = names.filter(|f| {
        f.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(hidden.count(), 0);
}

/// Two logbooks of one key that part after their third entry.
fn forked(place: &Place) -> String {
    let other = Place::initialised();
    other.append(1..3);
    other.copy("ledger", "fork");
    for name in ["key.pem", "mark"] {
        fs::copy(
            other.path(&format!("ledger.{name}")),
            other.path(&format!("fork.{name}")),
        )
        .unwrap();
    }
    let append = ["append", "--kind", "k", "--payload"];
    other
        .run(&[&append[..], &["{\"to\":\"you\"}"]].concat())
        .ok();
    let elsewhere = [&["--ledger", "fork"], &append[..], &["{\"to\":\"them\"}"]].concat();
    other.without_original(|| other.run(&elsewhere).ok());
    let export = ["export", "--format", "logbook", "-o"];
    other.run(&[&export[..], &["one"]].concat()).ok();
    other
        .run(&[&["--ledger", "fork"], &export[..], &["two"]].concat())
        .ok();
    for name in ["one", "two"] {
        fs::copy(other.path(name), place.path(name)).unwrap();
    }
    other.key()
}

#[test]
fn a_log_that_tells_two_stories_is_caught_and_both_are_kept() {
    let place = Place::initialised();
    let key = forked(&place);
    for name in ["one", "two"] {
        place.run(&["verify", name, "--key", &key]).ok();
    }
    place.run(&["import", "one", "--key", &key]).ok();
    let run = place
        .run(&["--json", "import", "two", "--key", &key])
        .ends_with(1);
    let caught = run.document();
    assert_eq!(caught["outcome"], "equivocation");
    assert_eq!(codes(&caught["report"]), ["equivocation"]);
    assert_eq!(caught["report"]["faults"][0]["seq"], 3);
    for (digest, name) in caught["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["one", "two"])
    {
        place
            .run(&["export", "--file", digest.as_str().unwrap(), "-o", "kept"])
            .ok();
        assert_eq!(place.read("kept"), place.read(name));
        place.run(&["verify", "kept", "--key", &key]).ok();
    }
    let text = place
        .run(&["import", "two", "--key", &key])
        .ends_with(1)
        .stdout;
    assert!(
        text.contains("the log's key signed two entries 3"),
        "{text}"
    );
    assert_eq!(text.matches("sealbook export --file ").count(), 2);
    let listed = place.run(&["--json", "import", "--list"]).ok().documents();
    assert_eq!(listed[1]["refused"], caught["evidence"][1]);
    assert_eq!(listed[1]["contradicts"], caught["evidence"][0]);
    // What was there stands.
    let shown = place
        .run(&["--json", "show", "3", "--log", &key])
        .ok()
        .document();
    assert_eq!(shown["payload"], serde_json::json!({"to": "you"}));
    assert_eq!(place.count(), 2);
    place.run(&["verify"]).ok();
}

#[test]
fn imports_are_in_what_is_read_beside_a_writer() {
    let place = Place::initialised();
    let key = foreign(&place);
    place.run(&["import", "all.bundle", "--key", &key]).ok();
    let mut writer = crate::locks::Writer::of(&place);
    writer.append("{}");
    let found = place.run(&["--json", "log", "--log", &key]).ok();
    let entries: Vec<Value> = found.documents();
    assert_eq!(entries.len(), 6);
    place.run(&["import", "book", "--key", &key]).ends_with(2);
    writer.close();
}
