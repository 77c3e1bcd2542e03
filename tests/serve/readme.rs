//! The `curl` examples of the chapter on the server, as they stand there.

use std::process::Command;

use serde_json::Value;

use crate::process::Place;

/// The lines of the chapter on the server that begin with `curl`.
fn examples() -> Vec<String> {
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/server.md");
    let text = std::fs::read_to_string(chapter).unwrap();
    let curls = text.lines().filter(|line| line.starts_with("curl "));
    curls.map(str::to_owned).collect()
}

#[test]
fn the_examples_of_the_chapter_work_as_pasted() {
    let have = Command::new("curl").arg("--version").output();
    if have.is_err() {
        crate::skipped::skipped("there is no curl");
        return;
    }
    let place = Place::initialised();
    let key = place.run(&["key"]).stdout;
    std::fs::write(place.path().join("key.txt"), key).unwrap();
    let process = place.serve(&[]);
    let mut run = 0;
    for line in examples() {
        if line.contains("hall.example") {
            // It needs a name, a certificate and a token of the reader's.
            continue;
        }
        let here = line.replace("127.0.0.1:8765", &process.address.to_string());
        let output = Command::new("sh")
            .args(["-c", &here])
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}");
        let text = String::from_utf8(output.stdout).unwrap();
        if text.starts_with('{') {
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer.get("error"), None, "{line}: {answer}");
        }
        run += 1;
    }
    assert!(run >= 10, "only {run}");
    let bundle = std::fs::read(place.path().join("evidence.bundle")).unwrap();
    assert!(bundle.starts_with(b"{"));
}
