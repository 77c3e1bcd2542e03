//! `publish` under a policy of witnesses, which are in this process, and the times that
//! their cosignatures give.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{self, Algorithm, KeyName, VerifierKey};
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;

use crate::place::{Place, have};
use crate::registry_server::{Received, Server, answer};

const NAME: &str = "log.example/witnessed";

fn name(number: u8) -> KeyName {
    format!("witness.example/{number}").parse().unwrap()
}

fn signer(number: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[number; 32].into())
}

/// What a witness does with a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Cosign,
    Refuse,
    /// Claims so many entries, and shows nothing.
    Claim(u64),
    /// Claims another history, and shows nothing.
    ClaimOther,
}

/// A witness that does as it is told.
struct Witness {
    server: Server,
    does: Arc<Mutex<Does>>,
}

impl Witness {
    fn new(number: u8) -> Witness {
        let does = Arc::new(Mutex::new(Does::Cosign));
        let told = Arc::clone(&does);
        let server = Server::new(move |request, stream| {
            let text = match *told.lock().unwrap() {
                Does::Cosign => answer(200, "text/plain", &line(request, number)),
                Does::Refuse => answer(500, "text/plain", ""),
                Does::Claim(_) | Does::ClaimOther if request.line.starts_with("GET ") => {
                    answer(404, "text/plain", "")
                }
                Does::ClaimOther => answer(422, "text/plain", ""),
                Does::Claim(size) => answer(409, "text/x.tlog.size", &format!("{size}\n")),
            };
            let _ = stream.write_all(text.as_bytes());
        });
        Witness { server, does }
    }

    fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }
}

fn line(request: &Received, number: u8) -> String {
    let (_, note) = request.body.split_once("\n\n").unwrap();
    let (text, _) = note.rsplit_once("\n\n").unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let line = note::cosign(&format!("{text}\n"), now, &name(number), &signer(number));
    line.unwrap().to_string()
}

/// A ledger with some entries, three witnesses, and a policy that asks for two.
fn scene() -> (Place, [Witness; 3]) {
    scene_of([1, 2, 3], "group three 2 w1 w2 w3\nquorum three\n")
}

fn scene_of<const N: usize>(numbers: [u8; N], quorum: &str) -> (Place, [Witness; N]) {
    let place = Place::initialised();
    place.append(0..3);
    let witnesses = numbers.map(Witness::new);
    let mut text = String::new();
    for (number, witness) in numbers.into_iter().zip(&witnesses) {
        let key = Algorithm::Cosignature(signer(number).public_key());
        let key = VerifierKey::new(name(number), key);
        text += &format!("witness w{number} {key} {}\n", witness.server.url);
    }
    text += quorum;
    place.write("policy", text);
    (place, witnesses)
}

const PUBLISH: [&str; 8] = [
    "--json",
    "publish",
    "--to",
    "log",
    "--name",
    NAME,
    "--witness-policy",
    "policy",
];

fn checkpoint(place: &Place) -> SignedCheckpoint {
    SignedCheckpoint::parse(place.read("log/checkpoint").as_bytes()).unwrap()
}

#[test]
fn a_published_checkpoint_has_its_cosignatures_and_they_come_back_into_the_log() {
    let (place, witnesses) = scene();
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["published"], true);
    assert_eq!(done["witnesses"]["quorum"], true);
    assert_eq!(checkpoint(&place).note().signatures().len(), 4);
    let kept = done["witnessed"].as_u64().unwrap();
    let entry = place
        .run(&["--json", "show", &kept.to_string()])
        .ok()
        .document();
    assert_eq!(entry["kind"], "sealbook:witnessed");
    assert_eq!(entry["payload"]["checkpoint"], place.read("log/checkpoint"));
    // Those who published before go on from there; nothing more comes back so soon.
    place.append(3..4);
    witnesses[2].does(Does::Refuse);
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["witnesses"]["quorum"], true);
    assert_eq!(done["witnessed"], Value::Null);
    let fault = done["witnesses"]["witnesses"][2]["fault"].as_str().unwrap();
    assert_eq!(fault, "it answered 500");
    let asked = witnesses[0].server.received();
    let old = asked
        .last()
        .unwrap()
        .body
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(old, format!("old {kept}"));
    // An entry between the two stands between two times; the first has none before it.
    let last = (kept + 1).to_string();
    let shown = place
        .run(&["--json", "show", &last, "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(shown["entry"]["seq"], kept + 1);
    assert_eq!(shown["between"]["not_earlier"]["seq"], kept);
    assert_eq!(shown["between"]["not_later"], Value::Null);
    let shown = place
        .run(&["--json", "show", "1", "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(shown["between"]["not_earlier"], Value::Null);
    let names = shown["between"]["not_later"]["witnesses"]
        .as_array()
        .unwrap();
    assert_eq!(names.len(), 2);
    let verified = place
        .run(&["--json", "verify", "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(verified["verdict"], "pass");
    assert_eq!(verified["witnessed"]["entries"], kept);
    let replayed = place
        .run(&["--json", "replay", "--policy", "policy"])
        .ok()
        .document();
    let items = replayed["timeline"].as_array().unwrap();
    assert!(items.iter().all(|item| item["between"].is_object()));
    place.run(&["show", "1", "--policy", "policy"]).ok();
    place.run(&["verify", "--policy", "policy"]).ok();
}

#[test]
fn without_a_quorum_the_checkpoint_before_stays_if_that_is_asked_for() {
    let (place, witnesses) = scene();
    place.run(&PUBLISH).ok();
    let before = place.read("log/checkpoint");
    place.append(3..4);
    witnesses[0].does(Does::Refuse);
    witnesses[1].does(Does::Refuse);
    let closed = [&PUBLISH[..], &["--witness-fail", "closed"]].concat();
    let done = place.run(&closed).ends_with(1).document();
    assert_eq!(done["published"], false);
    assert_eq!(place.read("log/checkpoint"), before);
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["published"], true);
    assert_eq!(done["witnesses"]["quorum"], false);
    assert_eq!(checkpoint(&place).note().signatures().len(), 2);
}

#[test]
fn one_liar_is_named_and_two_stop_the_log_until_that_is_accepted() {
    let (place, witnesses) = scene();
    place.run(&PUBLISH).ok();
    place.append(3..4);
    witnesses[0].does(Does::Claim(1_000));
    let done = place.run(&PUBLISH).ok().document();
    let fault = done["witnesses"]["witnesses"][0]["fault"].as_str().unwrap();
    assert!(
        fault.starts_with("it claims to have cosigned 1000 entries"),
        "{fault}"
    );
    place.append(4..5);
    witnesses[1].does(Does::Claim(1_001));
    let before = place.read("log/checkpoint");
    for _ in 0..2 {
        let run = place.run(&PUBLISH).ends_with(2);
        assert_eq!(
            run.document()["error"]["code"],
            "rollback_detected",
            "{run:?}"
        );
        assert_eq!(place.read("log/checkpoint"), before);
    }
    // Without witnesses nothing is signed either.
    place.run(&["publish", "--to", "log"]).ends_with(2);
    // The ledger itself goes on.
    place.append(5..6);
    place
        .run(&["accept-rollback", "--reason", "both witnesses lie"])
        .ok();
    witnesses[0].does(Does::Cosign);
    witnesses[1].does(Does::Cosign);
    assert_eq!(
        place.run(&PUBLISH).ok().document()["witnesses"]["quorum"],
        true
    );
    place.run(&["verify", "--policy", "policy"]).ok();
}

/// A status is one witness's word, also where the policy can lose none: the log goes on.
#[test]
fn a_status_of_the_only_witness_halts_nothing() {
    let (place, [witness]) = scene_of([1], "quorum w1\n");
    place.run(&PUBLISH).ok();
    for (claim, fault) in [
        (Does::Claim(1_000), "it claims to have cosigned 1000"),
        (Does::ClaimOther, "it claims another history"),
    ] {
        place.append(3..4);
        witness.does(claim);
        let done = place.run(&PUBLISH).ok().document();
        assert_eq!(done["published"], true);
        assert_eq!(done["witnesses"]["quorum"], false);
        let said = done["witnesses"]["witnesses"][0]["fault"].as_str().unwrap();
        assert!(said.starts_with(fault), "{said}");
        // Who asks for a quorum keeps the checkpoint before, and no halt either.
        place.append(4..5);
        let before = place.read("log/checkpoint");
        let closed = [&PUBLISH[..], &["--witness-fail", "closed"]].concat();
        let done = place.run(&closed).ends_with(1).document();
        assert_eq!(done["published"], false);
        assert_eq!(place.read("log/checkpoint"), before);
        witness.does(Does::Cosign);
        let done = place.run(&PUBLISH).ok().document();
        assert_eq!(done["witnesses"]["quorum"], true);
    }
}

/// A case of which the witnesses saw the first entries before the last ones were made.
fn reported() -> (Place, [Witness; 3]) {
    let (place, witnesses) = scene();
    let publish = [&PUBLISH[..], &["--witness-every", "0"]].concat();
    let of_case = |n: u32| {
        format!("{{\"kind\":\"note\",\"payload\":{{\"correlation_id\":\"order-7\",\"n\":{n}}}}}\n")
    };
    for n in 0..2 {
        place
            .run_with(&["append", "--jsonl", "-"], &of_case(n))
            .ok();
        let done = place.run(&publish).ok().document();
        assert!(done["witnessed"].is_u64(), "{done}");
    }
    place
        .run_with(&["append", "--jsonl", "-"], &of_case(2))
        .ok();
    place.run(&["seal"]).ok();
    // Its own policy is that of the name that it was published under.
    let report = ["report", "--correlation", "order-7", "-o"];
    place.run(&[&report[..], &["case.html"]].concat()).ok();
    let given = [&report[..], &["given.html", "--policy", "policy"]].concat();
    place.run(&given).ok();
    assert_eq!(about(&place, "case.html"), about(&place, "given.html"));
    (place, witnesses)
}

/// What a report says of itself.
fn about(place: &Place, report: &str) -> Value {
    let text = place.read(report);
    let (_, rest) = text.split_once("id=\"about\">\n").unwrap();
    serde_json::from_str(rest.lines().next().unwrap()).unwrap()
}

/// What `verify` says of a report under a policy, without the ledger.
fn times_of(place: &Place, report: &str, policy: &str, status: i32) -> Value {
    let key = place.key();
    let args = [
        "--json", "verify", report, "--as", "report", "--key", &key, "--policy", policy,
    ];
    place.run(&args).ends_with(status).document()
}

#[test]
fn a_report_carries_what_shows_both_times_of_its_entries() {
    let (place, _witnesses) = reported();
    let judged = times_of(&place, "case.html", "policy", 0);
    assert_eq!(judged["verdict"], "pass");
    let witnessed = &judged["witnessed"];
    assert_eq!(witnessed["faults"], json!([]));
    let each = witnessed["each"].as_array().unwrap();
    // The first has nothing before it, the last nothing after it.
    let has = |at: usize, bound: &str| each[at][bound].is_object();
    let bounds: Vec<_> = (0..3)
        .map(|at| (has(at, "not_earlier"), has(at, "not_later")))
        .collect();
    assert_eq!(bounds, [(false, true), (true, true), (true, false)]);
    assert_eq!(
        each[1]["not_later"]["witnesses"].as_array().unwrap().len(),
        2
    );
    // They are those that the ledger itself says.
    for one in each {
        let seq = one["seq"].to_string();
        let shown = place
            .run(&["--json", "show", &seq, "--policy", "policy"])
            .ok()
            .document();
        for bound in ["not_earlier", "not_later"] {
            let (here, there) = (&one[bound], &shown["between"][bound]);
            for member in ["time", "witnesses", "size"] {
                assert_eq!(here[member], there[member], "{bound} of {seq}");
            }
        }
    }
    if let Some(said) = in_the_browser(&place, "case.html") {
        let bound = |it: &Value| match it {
            Value::Null => Value::Null,
            it => json!({"size": it["size"], "time": it["time"], "witnesses": it["witnesses"]}),
        };
        let same = |one: &Value| {
            json!({"not_earlier": bound(&one["not_earlier"]), "not_later": bound(&one["not_later"]),
                   "seq": one["seq"]})
        };
        let here: Vec<Value> = each.iter().map(same).collect();
        assert_eq!(said, json!({"each": here, "faults": 0}));
    }
    let key = place.key();
    let verify = ["verify", "case.html", "--key", &key, "--policy", "policy"];
    let said = place.run(&verify).ok().stdout;
    let seq = each[1]["seq"].to_string();
    assert!(
        said.contains(&format!("entry {seq} not before 20")),
        "{said}"
    );
    assert!(
        said.contains(&format!("entry {seq} not after 20")),
        "{said}"
    );
    // Without a policy nothing is claimed.
    let plain = place.run(&["verify", "case.html", "--key", &key]).ok();
    assert!(!plain.stdout.contains("not before"), "{plain:?}");
}

/// What the scripts of the page say of a report under the policy.
fn in_the_browser(place: &Place, report: &str) -> Option<Value> {
    let version = "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)";
    if !have("node", &["-e", version]) {
        crate::skipped::skipped("there is no node of version 20 or later");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/browser-test/times.mjs");
    let output = std::process::Command::new("node")
        .args([script, report, "policy"])
        .current_dir(place.dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn what_a_report_carries_for_its_times_is_not_believed() {
    let (place, _witnesses) = reported();
    let text = place.read("case.html");
    let (before, rest) = text.split_once("id=\"about\">\n").unwrap();
    let (about, after) = rest.split_once('\n').unwrap();
    let about: Value = serde_json::from_str(about).unwrap();
    let judged = |change: &dyn Fn(&mut Value), status: i32| {
        let mut changed = about.clone();
        change(&mut changed["times"]);
        let line = sealbook::ledger::parse::parse(changed.to_string().as_bytes()).unwrap();
        let line = line.canonical(sealbook::ledger::json::Form::Utf8);
        let page = format!("{before}id=\"about\">\n{line}\n{after}");
        place.write("changed.html", page);
        times_of(&place, "changed.html", "policy", status)["witnessed"].clone()
    };
    let detail = |said: &Value| said["faults"][0]["detail"].as_str().unwrap().to_owned();
    let none = |said: &Value, at: usize, bound: &str| {
        assert!(said["each"][at][bound].is_null(), "{said}");
    };
    // The path of an entry, its number, and the place under another checkpoint.
    let said = judged(
        &|times| times["holding"][0]["entries"][0]["path"][0] = Value::from("00".repeat(32)),
        1,
    );
    assert!(
        detail(&said).contains("does not lead to the root"),
        "{said}"
    );
    none(&said, 0, "not_later");
    let said = judged(
        &|times| times["holding"][0]["entries"][0]["seq"] = Value::from(1),
        1,
    );
    assert!(detail(&said).contains("the entry is not here"), "{said}");
    let said = judged(
        &|times| {
            let other = times["holding"][1]["checkpoint"].clone();
            times["holding"][0]["checkpoint"] = other;
        },
        1,
    );
    assert!(
        detail(&said).contains("does not lead to the root"),
        "{said}"
    );
    // A checkpoint that the log did not sign.
    let said = judged(
        &|times| {
            let note = times["holding"][0]["checkpoint"].as_str().unwrap();
            let note = note.replacen(NAME, "log.example/another", 1);
            times["holding"][0]["checkpoint"] = Value::from(note);
        },
        1,
    );
    none(&said, 0, "not_later");
    // A proof of another entry, a changed one, and none.
    let said = judged(
        &|times| {
            let proof = times["kept"][0].as_str().unwrap();
            let changed = proof.replacen("witness.example/1", "witness.example/9", 1);
            times["kept"][0] = Value::from(changed);
        },
        1,
    );
    assert!(detail(&said).starts_with("its proof: "), "{said}");
    none(&said, 1, "not_earlier");
    place.run(&["prove", "1", "-o", "one.proof"]).ok();
    let one = place.read("one.proof");
    let said = judged(&|times| times["kept"][0] = Value::from(one.clone()), 1);
    assert_eq!(detail(&said), "it keeps no cosignatures");
    let said = judged(&|times| times["kept"][0] = Value::from("{}"), 1);
    assert!(
        detail(&said).starts_with("a proof that is carried"),
        "{said}"
    );
    // What is left out brings nothing in; without any there is no quorum.
    let said = judged(&|times| times["kept"] = Value::Array(Vec::new()), 0);
    none(&said, 1, "not_earlier");
    let bare = ["report", "--correlation", "order-7", "-o"];
    place
        .run(&[&bare[..], &["bare.html", "--no-times"]].concat())
        .ok();
    let bare = times_of(&place, "bare.html", "policy", 1);
    assert_eq!(bare["faults"][0]["code"], "quorum_missing");
    // Under the policy of others it says nothing.
    let key = VerifierKey::new(name(9), Algorithm::Cosignature(signer(9).public_key()));
    place.write("others", format!("witness w9 {key}\nquorum w9\n"));
    let others = times_of(&place, "case.html", "others", 1);
    assert_eq!(others["faults"][0]["code"], "quorum_missing");
}
