//! Selections of several filters, by the command and by the second verifier.

use std::path::Path;

use serde_json::{Value, json};

use crate::place::{Place, have};

#[test]
fn of_two_filters_the_narrower_is_complete_and_two_verifiers_say_so() {
    let place = Place::empty();
    place.run(&["init"]).ok();
    for n in 0..12 {
        let payload = format!(
            r#"{{"correlation_id":"order-{}","tenant_id":"t-{}"}}"#,
            n % 2,
            n % 3
        );
        place
            .run(&["append", "--kind", "event", "--payload", &payload])
            .ok();
        if n % 3 == 2 {
            place.run(&["seal"]).ok();
        }
    }
    let key = place.key();
    let both = ["--correlation", "order-1", "--tenant", "t-2"];
    let export = ["export", "-o", "both.bundle"];
    place.run(&[&export[..], &both].concat()).ok();
    let verify = ["--json", "verify", "both.bundle", "--key", &key];
    let report = place.run(&[&verify[..], &both].concat()).ok().document();
    // Four entries are of the tenant, and six of the case.
    let complete = json!({"field": "tenant", "value": "t-2", "entries": 4, "omitted": 2,
                          "epoch": 3, "seq": 12});
    assert_eq!(report["complete"], complete);
    assert_eq!(report["entries"], 2);
    assert_eq!(report["not_checked"], json!(["index", "omitted", "chain"]));
    let said = place.run(&["verify", "both.bundle", "--key", &key]).ok();
    let text = "4 entries with tenant \"t-2\", and no others, of which 2 are named and left out, \
                as not wanted by the rest of the filter; what came after that entry is not covered";
    assert!(said.stdout.contains(text), "{}", said.stdout);
    if !have("python3", &["-c", "import cryptography"]) {
        crate::skipped::skipped("python3 with the package cryptography is not installed");
        return;
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let second = |file: &str| -> Value {
        let mut command = place.command_of(&tools.join("verify.py"), &["--key", &key, file]);
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let whole = second("both.bundle");
    assert_eq!(whole["complete"], complete, "{whole}");
    assert_eq!(whole["verdict"], "pass");
    let mut open: Vec<_> = whole["not_checked"].as_array().unwrap().clone();
    open.sort_unstable_by_key(Value::to_string);
    assert_eq!(open, [json!("chain"), json!("index"), json!("omitted")]);
    // Without a line that names an entry: the closing record is broken by it, too.
    let text = place.read("both.bundle");
    let without = text
        .lines()
        .filter(|line| !line.starts_with("{\"omitted\":"));
    let without: Vec<_> = without.collect();
    assert_eq!(without.len() + 2, text.lines().count());
    place.write("cut.bundle", without.join("\n") + "\n");
    let mut command = place.command_of(
        &tools.join("verify_index.py"),
        &["--key", &key, "cut.bundle"],
    );
    let found: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(found["code"], "index_mismatch", "{found}");
}
