//! `card` and `resident`: JSON in, verdicts out.

use std::fs;
use std::path::Path;

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::pem;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::place::{Place, Run};

/// A vacant's key in `key.pem`, and its card in `card.json`, not signed.
fn vacant() -> (Place, String) {
    let place = Place::empty();
    let signer = write_key(&place, "key.pem", [7; 32]);
    let id = signer.public_key().to_string();
    let card = json!({"vacant_id": id, "capability_text": "é", "halo_version": 1,
        "substrate_spec": {"allowed_substrates": ["s"], "policy": {}},
        "endpoint": null, "signature": null});
    place.write("card.json", card.to_string());
    (place, id)
}

fn write_key(place: &Place, name: &str, seed: [u8; 32]) -> SoftwareSigner {
    use std::os::unix::fs::PermissionsExt;
    let signer = SoftwareSigner::from_seed(&Zeroizing::new(seed));
    let text = pem::format_private_key(&signer).unwrap();
    place.write(name, text.as_bytes());
    fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    signer
}

fn verdict(run: Run, status: i32, fault: Value) -> Value {
    let verdict = run.ends_with(status).document();
    assert_eq!(verdict["verified"], status == 0, "{verdict:#}");
    assert_eq!(verdict["fault"], fault, "{verdict:#}");
    verdict
}

#[test]
fn a_card_is_signed_and_verified_and_its_verdict_is_pinned() {
    let (place, id) = vacant();
    let verify = |file: &str| place.run(&["--json", "card", "verify", file]);
    verdict(verify("card.json"), 1, json!("unsigned"));
    let sign = ["card", "sign", "card.json", "--key", "key.pem"];
    let signed = place.run(&sign).ok().stdout;
    place
        .run(&[&sign[..], &["-o", "signed.json"]].concat())
        .ok();
    assert_eq!(place.read("signed.json"), signed);
    let found = verdict(verify("signed.json"), 0, Value::Null);
    let expected = json!({"verified": true, "fault": null, "vacant_id": id,
                          "halo_version": 1, "key_source": "none"});
    assert_eq!(found, expected);
    let with = |key: &str| place.run(&["--json", "card", "verify", "signed.json", "--key", key]);
    assert_eq!(verdict(with(&id), 0, Value::Null)["key_source"], "given");
    verdict(with(&"11".repeat(32)), 1, json!("untrusted_key"));
    place.write(
        "changed.json",
        signed.replace("\"halo_version\": 1", "\"halo_version\": 2"),
    );
    verdict(verify("changed.json"), 1, json!("signature_invalid"));
    let people = place.run(&["card", "verify", "signed.json"]).ok();
    assert!(
        people.stdout.starts_with("PASS  card: signed by"),
        "{people:?}"
    );
    assert!(people.stderr.contains("--key"), "{people:?}");
}

#[test]
fn a_card_is_not_signed_with_the_key_of_another() {
    let (place, _) = vacant();
    write_key(&place, "other.pem", [8; 32]);
    let args = ["--json", "card", "sign", "card.json", "--key", "other.pem"];
    place.run(&args).refused(
        "bad_input",
        "the key is not that of the card's vacant",
        "sign with the vacant's own key",
    );
}

#[test]
fn what_is_no_card_is_named_with_its_place() {
    let (place, _) = vacant();
    let text = place.read("card.json");
    for (from, to, code, place_of) in [
        (
            "\"halo_version\":1",
            "\"halo_version\":0",
            "bad_input",
            "halo_version",
        ),
        (
            "\"halo_version\":1",
            "\"halo\":1",
            "bad_input",
            "halo_version",
        ),
        ("é", "a\\u001bb", "bad_input", "capability_text"),
        ("[\"s\"]", "[\" \"]", "bad_input", "allowed_substrates[0]"),
        ("{", "{{", "bad_json", "line 1"),
    ] {
        place.write("bad.json", text.replacen(from, to, 1));
        let run = place
            .run(&["--json", "card", "verify", "bad.json"])
            .ends_with(2);
        let error = &run.document()["error"];
        assert_eq!(error["code"], code, "{error}");
        let detail = error["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("bad.json: ") && detail.contains(place_of),
            "{detail}"
        );
    }
}

#[test]
fn every_reference_card_is_signed_with_the_reference_signature() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/cards.jsonl");
    let text = fs::read_to_string(file).unwrap();
    for (number, line) in text.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let place = Place::empty();
        let seed: Vec<u8> = hex::decode(case["seed"].as_str().unwrap()).unwrap();
        let signer = write_key(&place, "key.pem", seed.try_into().unwrap());
        let card = &case["card"];
        // As text, since a policy has numbers that no double holds.
        let policy = card["policy_json"].as_str().unwrap();
        let unsigned = format!(
            "{{\"vacant_id\":\"{}\",\"capability_text\":{},\"halo_version\":{},\"endpoint\":{},\
             \"substrate_spec\":{{\"allowed_substrates\":{},\"policy\":{policy}}}}}",
            signer.public_key(),
            card["capability_text"],
            card["halo_version"],
            card["endpoint"],
            card["allowed_substrates"],
        );
        place.write("card.json", unsigned);
        let sign = [
            "card",
            "sign",
            "card.json",
            "--key",
            "key.pem",
            "-o",
            "signed",
        ];
        place.run(&sign).ok();
        let signed: Value = serde_json::from_str(&place.read("signed")).unwrap();
        assert_eq!(
            signed["signature"],
            case["expect"]["signature"],
            "line {}",
            number + 1
        );
        place.run(&["card", "verify", "signed"]).ok();
    }
}

#[test]
fn a_resident_form_is_judged_part_by_part() {
    let (place, id) = vacant();
    place
        .run(&[
            "card",
            "sign",
            "card.json",
            "--key",
            "key.pem",
            "-o",
            "signed",
        ])
        .ok();
    // A logbook of the same key.
    let book = ["--ledger", "l", "init", "--key", "key.pem", "--reuse-key"];
    place.run(&book).ok();
    let append = ["--ledger", "l", "append", "--kind", "k", "--payload", "{}"];
    place.run(&append).ok();
    place
        .run(&[
            "--ledger", "l", "export", "--format", "logbook", "-o", "book",
        ])
        .ok();
    let entries: Vec<Value> = place
        .read("book")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let card: Value = serde_json::from_str(&place.read("signed")).unwrap();
    let bundle = json!({"system_prompt": "", "policy_dsl": "", "tool_whitelist": []});
    let form = json!({"identity": id, "logbook": entries, "behavior_bundle": bundle,
        "substrate_spec": {"allowed_substrates": ["s"], "policy": {}},
        "runtime_state": "LOCAL", "capability_card": card, "parent_id": null});
    let judge = |form: &Value, status: i32| {
        place.write("form.json", form.to_string());
        let run = place.run(&["--json", "resident", "verify", "form.json"]);
        run.ends_with(status).document()
    };
    let good = judge(&form, 0);
    let members: Vec<_> = good.as_object().unwrap().keys().collect();
    let expected = [
        "entries",
        "faults",
        "head",
        "identity",
        "key_source",
        "not_signed",
        "runtime_state",
        "signed",
        "verified",
    ];
    assert_eq!(members, expected);
    assert_eq!((&good["entries"], &good["faults"]), (&json!(2), &json!([])));
    // What a stranger changed where nobody signed is said, and required is missed.
    let signed = json!(["identity", "logbook", "capability_card", "substrate_spec"]);
    assert_eq!(good["signed"], signed);
    let mut changed = form.clone();
    changed["behavior_bundle"]["system_prompt"] = json!("obey");
    changed["substrate_spec"]["allowed_substrates"] = json!(["other"]);
    changed["parent_id"] = json!("22".repeat(32));
    changed["logbook"].as_array_mut().unwrap().pop();
    let unsigned = judge(&changed, 0)["not_signed"].clone();
    let unsigned: Vec<_> = unsigned.as_object().unwrap().keys().collect();
    let expected = [
        "behavior_bundle",
        "logbook_end",
        "parent_id",
        "runtime_state",
        "substrate_spec",
    ];
    assert_eq!(unsigned, expected);
    for member in expected.map(|member| member.replace('_', "-")) {
        let args = [
            "--json",
            "resident",
            "verify",
            "form.json",
            "--require",
            &member,
        ];
        let faults = place.run(&args).ends_with(1).document()["faults"].clone();
        assert_eq!(faults[0]["code"], "unsigned", "{member}");
    }
    changed["capability_card"] = Value::Null;
    judge(&changed, 0);
    let args = [
        "resident",
        "verify",
        "form.json",
        "--require",
        "capability-card",
    ];
    place.run(&args).ends_with(1);
    let mut bad = form.clone();
    bad["logbook"][1]["kind"] = json!("other");
    bad["capability_card"]["halo_version"] = json!(2);
    let faults = &judge(&bad, 1)["faults"];
    assert_eq!(faults.as_array().unwrap().len(), 2, "{faults}");
    assert_eq!(
        (&faults[0]["part"], &faults[0]["index"]),
        (&json!("logbook"), &json!(1))
    );
    assert_eq!(faults[0]["code"], "signature_invalid");
    assert_eq!(faults[1]["part"], "capability_card");
    let mut swapped = form.clone();
    swapped["logbook"].as_array_mut().unwrap().swap(0, 1);
    assert_eq!(
        judge(&swapped, 1)["faults"][0]["code"],
        "prev_hash_mismatch"
    );
    place.write("form.json", form.to_string());
    let other = "11".repeat(32);
    let args = ["--json", "resident", "verify", "form.json", "--key", &other];
    let faults = place.run(&args).ends_with(1).document()["faults"].clone();
    assert_eq!(faults[0]["code"], "untrusted_key");
    let mut unknown = form;
    unknown["runtime_state"] = json!("ASLEEP");
    place.write("form.json", unknown.to_string());
    let run = place
        .run(&["--json", "resident", "verify", "form.json"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "bad_input");
}
