//! Several books as one custody, given out and replayed by a stranger who has the key
//! of the first alone.

use serde_json::{Value, json};

use crate::books::{verify, warning_codes};
use crate::place::{Place, codes};
use crate::routing::{route, scene};

/// A case of two decisions, one in each of two books, both sealed. A third book has
/// nothing of it.
fn rotated() -> (Place, String) {
    let place = scene();
    let key = place.key();
    route(&place, "acme", &[]).ok();
    place.run(&["rotate"]).ok();
    route(&place, "beta", &["--ledger", "ledger.2"]).ends_with(1);
    place.run(&["--ledger", "ledger.2", "rotate"]).ok();
    (place, key)
}

const BOOKS: [&str; 6] = [
    "--books", "ledger", "--books", "ledger.2", "--books", "ledger.3",
];

fn names(place: &Place, folder: &str) -> Vec<String> {
    let found = std::fs::read_dir(place.path(folder)).unwrap();
    let mut names: Vec<String> = found
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn decisions(replay: &Value) -> Vec<Value> {
    let items = replay["timeline"].as_array().unwrap().iter();
    let decided = items.filter(|item| item["event"] == "decided");
    decided
        .map(|item| {
            json!([
                item["book"],
                item["tenant_id"],
                item["deny_code"],
                item["same"],
                item["entry_hash"]
            ])
        })
        .collect()
}

#[test]
fn a_case_of_two_books_is_exported_whole_and_a_stranger_needs_the_first_key() {
    let (place, key) = rotated();
    let export = [
        &["export", "--correlation", "c-1", "-o", "case"][..],
        &BOOKS,
    ]
    .concat();
    place.run(&export).ok();
    let expected = [
        "book-000.bundle",
        "book-000.close.proof",
        "book-001.bundle",
        "book-001.close.proof",
    ];
    assert_eq!(names(&place, "case"), expected);
    let own = [&["--json", "replay", "--correlation", "c-1"][..], &BOOKS].concat();
    let own = place.run(&own).ok().document();
    assert_eq!(decisions(&own).len(), 2, "{own:#}");

    // Elsewhere there is nothing but the folder.
    let stranger = Place::empty();
    stranger.copy_from(&place.path("case"), "case");
    let report = verify(&stranger, &["case", "--key", &key], 0);
    assert_eq!(report["passed"], 4, "{report:#}");
    let second = &report["files"][2]["report"];
    assert_eq!(warning_codes(second), ["succession"], "{report:#}");
    let there = stranger
        .run(&["--json", "replay", "case", "--key", &key])
        .ok();
    assert_eq!(decisions(&there.document()), decisions(&own));
    let people = stranger.run(&["replay", "case", "--key", &key]).ok().stdout;
    let (first, second) = (people.find("book 0"), people.find("book 1"));
    assert!(first.is_some() && first < second, "{people}");

    // Without what leads from one book to the next, nobody vouches for the second.
    std::fs::remove_file(stranger.path("case/book-000.close.proof")).unwrap();
    let report = verify(&stranger, &["case", "--key", &key], 1);
    let second = &report["files"][1]["report"];
    assert_eq!(codes(second), ["untrusted_key"], "{report:#}");
    let there = stranger.run(&["--json", "replay", "case", "--key", &key]);
    assert_eq!(there.ends_with(1).document()["verdict"], "fail");
}

/// What is said of books that are not there, by file.
fn not_here(report: &Value) -> Vec<String> {
    let files = report["files"].as_array().unwrap().iter();
    let named = files.filter(|file| warning_codes(&file["report"]).contains(&"book_not_here"));
    named
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_book_that_is_taken_out_of_a_folder_is_named() {
    let (place, key) = rotated();
    place.run(&["--ledger", "ledger.3", "seal"]).ok();
    let export = [
        &["export", "--correlation", "c-1", "-o", "case"][..],
        &BOOKS,
    ]
    .concat();
    place.run(&export).ok();
    // A book that has nothing of the case is there with its first entry.
    let found = names(&place, "case");
    assert_eq!(found.last().unwrap(), "book-002.open.proof", "{found:?}");
    let whole = verify(&place, &["case", "--key", &key], 0);
    assert_eq!(not_here(&whole), [""; 0], "{whole:#}");

    let without = |names: &[&str]| {
        let there = Place::empty();
        there.copy_from(&place.path("case"), "case");
        for name in names {
            std::fs::remove_file(there.path("case").join(name)).unwrap();
        }
        let report = verify(&there, &["case", "--key", &key], 0);
        let replayed = there.run(&["--json", "replay", "case", "--key", &key]).ok();
        let replayed = replayed.document();
        let said = warning_codes(&replayed).contains(&"book_not_here");
        assert!(said, "{replayed:#}");
        not_here(&report)
    };
    assert_eq!(without(&["book-001.bundle"]), ["case/book-001.close.proof"]);
    // Of the last two books nothing is left: the first one names the second.
    let rest = [
        "book-001.bundle",
        "book-001.close.proof",
        "book-002.open.proof",
    ];
    assert_eq!(without(&rest), ["case/book-000.close.proof"]);
    assert_eq!(
        without(&["book-002.open.proof"]),
        ["case/book-001.close.proof"]
    );
}

#[test]
fn a_case_of_two_books_is_reported_whole() {
    let (place, key) = rotated();
    let report = [
        &["report", "--correlation", "c-1", "-o", "case"][..],
        &BOOKS,
    ]
    .concat();
    place.run(&report).ok();
    let pages = ["book-000.html", "book-001.html"];
    let found = names(&place, "case");
    assert_eq!(
        found
            .iter()
            .filter(|name| name.ends_with(".html"))
            .collect::<Vec<_>>(),
        pages
    );
    let stranger = Place::empty();
    stranger.copy_from(&place.path("case"), "case");
    let verified = verify(&stranger, &["case", "--key", &key], 0);
    assert_eq!(verified["failed"], 0, "{verified:#}");
    let formats: Vec<&Value> = verified["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["report"]["format"])
        .collect();
    assert_eq!(formats, ["proof", "report", "proof", "report"]);
    let there = stranger
        .run(&["--json", "replay", "case", "--key", &key])
        .ok();
    let books: Vec<Value> = decisions(&there.document())
        .iter()
        .map(|it| it[0].clone())
        .collect();
    assert_eq!(books, [json!(0), json!(1)]);
    // One page is replayed as the bundle in it.
    let one = stranger
        .run(&["--json", "replay", "case/book-000.html", "--key", &key])
        .ok();
    assert_eq!(decisions(&one.document()).len(), 1);
}

/// A worker is attested in the first book and chosen in the second.
#[test]
fn an_attestation_of_an_earlier_book_stands_beside_the_decision() {
    let place = scene();
    let key = place.key();
    place.run(&["package", "scaffold", "pkg"]).ok();
    let ids = [
        "--worker-id",
        "org.a.b",
        "--worker-species-id",
        "wrk.doc.summarizer",
    ];
    // It fails, for it is not signed, and is an attestation all the same.
    place
        .run(&[&["package", "verify", "pkg"][..], &ids].concat())
        .ends_with(1);
    place.run(&["rotate"]).ok();
    route(&place, "acme", &["--ledger", "ledger.2"]).ok();
    place.run(&["--ledger", "ledger.2", "seal"]).ok();
    let report = [
        "report",
        "--correlation",
        "c-1",
        "-o",
        "case",
        "--books",
        ".",
    ];
    place.run(&report).ok();
    let found = names(&place, "case");
    let proof = found
        .iter()
        .find(|name| name.starts_with("book-000.entry-"));
    let proof = format!("case/{}", proof.unwrap_or_else(|| panic!("{found:?}")));
    let text = place.read(&proof);
    assert!(text.contains("wcp.attestation"), "{text}");
    verify(&place, &["case", "--key", &key], 0);
}

#[test]
fn a_folder_that_holds_something_stays_and_nothing_is_left_of_a_refusal() {
    let (place, _) = rotated();
    std::fs::create_dir(place.path("case")).unwrap();
    place.write("case/mine", "mine");
    let export = [
        &["--json", "export", "--correlation", "c-1", "-o", "case"][..],
        &BOOKS,
    ]
    .concat();
    let refused = place.run(&export).ends_with(2);
    assert_eq!(
        refused.documents()[0]["error"]["code"],
        "exists",
        "{refused:?}"
    );
    assert_eq!(names(&place, "case"), ["mine"]);
    // Nothing of the case, and what is not sealed.
    let none = [
        &["--json", "export", "--correlation", "c-9", "-o", "none"][..],
        &BOOKS,
    ]
    .concat();
    let none = place.run(&none).ends_with(1);
    assert_eq!(none.documents()[0]["error"]["code"], "not_found");
    route(&place, "acme", &["--ledger", "ledger.3"]).ok();
    let open = [
        &["--json", "export", "--correlation", "c-1", "-o", "open"][..],
        &BOOKS,
    ]
    .concat();
    let open = place.run(&open).ends_with(1);
    assert_eq!(open.documents()[0]["error"]["code"], "not_sealed");
    for args in [
        ["--limit", "1"],
        ["--format", "parquet"],
        ["--from-seq", "1"],
    ] {
        let all = [&["--json", "export", "-o", "out"][..], &args, &BOOKS].concat();
        assert_eq!(
            place.run(&all).ends_with(2).documents()[0]["error"]["code"],
            "usage"
        );
    }
    let left = names(&place, ".");
    assert!(
        !left
            .iter()
            .any(|name| name.starts_with(".export-") || name == "none" || name == "open"),
        "{left:?}"
    );
    // Books that do not continue each other are no custody.
    let two = [
        "--json", "export", "-o", "two", "--books", "ledger", "--books", "ledger.3",
    ];
    let two = place.run(&two).ends_with(2);
    assert_eq!(two.documents()[0]["error"]["code"], "not_a_chain");
}

/// Of each book: its number, up to which epoch and entry it is complete or why not, and
/// whether it continues the one before.
fn reaches(replay: &Value) -> Vec<Value> {
    let books = replay["books"].as_array().unwrap().iter();
    books
        .map(|book| {
            let complete = &book["complete"];
            let reach = match complete.is_null() {
                true => book["not_complete"].clone(),
                false => json!([complete["epoch"], complete["seq"]]),
            };
            json!([book["book"], reach, book["continues"]])
        })
        .collect()
}

#[test]
fn a_replay_over_several_books_says_of_each_up_to_where_it_is_complete() {
    let (place, key) = rotated();
    let replay = [&["replay", "--correlation", "c-1"][..], &BOOKS].concat();
    let as_json = [&["--json"][..], &replay].concat();
    let own = place.run(&as_json).ok().document();
    let last = |ledger: &str| {
        let epochs = place.run(&["--ledger", ledger, "--json", "epochs"]);
        let epochs = epochs.ok().documents();
        let last = &epochs.last().unwrap()["epoch"];
        json!([last["epoch"], last["last_seq"]])
    };
    let expected = [
        json!([0, last("ledger"), null]),
        json!([1, last("ledger.2"), true]),
        json!([2, "not_sealed", true]),
    ];
    assert_eq!(reaches(&own), expected, "{own:#}");
    assert_eq!(own["chained"], true);
    let people = place.run(&replay).ok().stdout;
    for said in [
        "book 1: complete by the log's signed index up to entry ",
        "book 2: nothing is sealed yet that its index covers\n",
        "each book continues the one before: nothing is left out between them\n",
    ] {
        assert!(people.contains(said), "{people}");
    }
    // One log alone is no chain.
    let one = ["--json", "replay", "--correlation", "c-1"];
    let one = place.run(&one).ok().document();
    assert_eq!(
        (&one["books"], &one["chained"]),
        (&Value::Null, &Value::Null)
    );

    // What is given out carries the answers of the indices.
    place.run(&["--ledger", "ledger.3", "seal"]).ok();
    let export = ["export", "--correlation", "c-1", "-o", "case"];
    place.run(&[&export[..], &BOOKS].concat()).ok();
    let there = ["--json", "replay", "case", "--key", &key];
    let there = place.run(&there).ok().document();
    let expected = [
        json!([0, last("ledger"), null]),
        json!([1, last("ledger.2"), true]),
        json!([null, "only_proofs", true]),
    ];
    assert_eq!(reaches(&there), expected, "{there:#}");
    assert_eq!(there["chained"], true, "{there:#}");
    let of = json!({"field": "correlation", "value": "c-1", "entries": 1});
    assert_eq!(there["books"][1]["complete"]["of"], of, "{there:#}");
    // Nothing of one book stands for all of them.
    assert_eq!(there["complete"], Value::Null);
    // A selection that no index answers, and a book that is not there.
    let export = [
        "export",
        "--kind",
        "wcp.decision",
        "--kind",
        "no.such",
        "-o",
        "some",
    ];
    place.run(&[&export[..], &BOOKS].concat()).ok();
    std::fs::remove_file(place.path("some/book-002.open.proof")).unwrap();
    let some = ["--json", "replay", "some", "--key", &key];
    let some = place.run(&some).ok().document();
    let expected = [json!([0, "not_shown", null]), json!([1, "not_shown", true])];
    assert_eq!(reaches(&some), expected, "{some:#}");
    assert_eq!(some["chained"], false);
}

#[test]
fn a_replay_over_several_books_names_those_without_an_index_and_those_that_fail() {
    let place = Place::empty();
    place.run(&["init", "--format-version", "1"]).ok();
    let event = [
        "--kind",
        "event",
        "--payload",
        r#"{"correlation_id":"c-1"}"#,
    ];
    place.run(&[&["append"], &event[..]].concat()).ok();
    place
        .run(&["rotate", "ledger.2", "--format-version", "2"])
        .ok();
    let second = ["--ledger", "ledger.2"];
    place
        .run(&[&second[..], &["append"], &event[..]].concat())
        .ok();
    place.run(&[&second[..], &["seal"]].concat()).ok();
    let books = ["--books", "ledger", "--books", "ledger.2"];
    let replay = [&["replay", "--correlation", "c-1"][..], &books].concat();
    let as_json = [&["--json"][..], &replay].concat();
    let found = place.run(&as_json).ok().document();
    let expected = [json!([0, "no_index", null]), json!([1, [0, 1], true])];
    assert_eq!(reaches(&found), expected, "{found:#}");
    let people = place.run(&replay).ok().stdout;
    assert!(people.contains("book 0: its log has no index"), "{people}");
    // A book that goes on with an index has it from there on.
    place
        .run(&["--ledger", "old", "init", "--format-version", "1"])
        .ok();
    let old = ["--ledger", "old"];
    place
        .run(&[&old[..], &["append"], &event[..]].concat())
        .ok();
    place.run(&[&old[..], &["upgrade"]].concat()).ok();
    place.run(&[&old[..], &["seal"]].concat()).ok();
    place.run(&[&old[..], &["rotate", "next"]].concat()).ok();
    let books = ["--json", "replay", "--books", "old", "--books", "next"];
    let found = place.run(&books).ok().document();
    assert_eq!(found["books"][0]["complete"]["since"], 1, "{found:#}");
    // A mark that is of another state fails that book alone.
    std::fs::remove_file(place.path("ledger.2.mark")).unwrap();
    let failed = place.run(&as_json).ends_with(1).document();
    assert_eq!(failed["chained"], false);
    assert_eq!(reaches(&failed)[1], json!([1, "fault", true]), "{failed:#}");
}
