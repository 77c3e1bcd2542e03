//! A producer of a program's own: one file, and everything that reads a ledger
//! knows it.

use sealbook::ledger::json::{Object, Value};
use sealbook::logbook::request::PreparedEntry;
use sealbook::producers::{Kind, Role, SearchField, register, text};
use sealbook::record::Outcome;
use sealbook::store::indexer::catch_up;
use sealbook::store::query::{Filter, select};
use sealbook::store::stats::Stats;

use crate::scene::Scene;

/// What it records, and nothing else has to be said of it anywhere.
static REVIEW: Kind = Kind {
    name: "acme.review",
    event: "reviewed",
    counted: "reviews",
    role: Role::Other,
    denied: Some(("merged", "false")),
    named: &[(SearchField::Worker, "author")],
    shown: &["author", "merged"],
    headline: |review| format!("REVIEWED  {}", text(review, "author")),
    details: &["merged"],
};

fn review(scene: &Scene, author: &str, merged: bool) {
    let members = [
        ("author", Value::from(author)),
        ("merged", Value::from(merged)),
    ];
    let payload: Object = members.into_iter().collect();
    let prepared = PreparedEntry::new(REVIEW.name, &payload).unwrap();
    let logbook = scene.recorder.logbook().unwrap();
    logbook.submit(vec![prepared]).unwrap().wait().unwrap();
}

#[test]
fn a_kind_of_its_own_is_indexed_counted_shown_and_changes_no_verdict() {
    let scene = Scene::new();
    for (author, merged) in [("ada", true), ("bob", false)] {
        review(&scene, author, merged);
    }
    let body: Object = [("denied", true)].into_iter().collect();
    scene
        .recorder
        .record(&Outcome::ingested("them".into(), body))
        .unwrap();
    let verdict = || scene.book().replay().0.report;
    let before = verdict();
    register(&REVIEW);
    register(&REVIEW);
    let after = verdict();
    assert_eq!(
        (before.verdict, before.faults),
        (after.verdict, after.faults)
    );
    assert_eq!(before.entries, after.entries);

    catch_up(&*scene.store, u64::MAX).unwrap();
    let found = |filter| {
        let found = select(&*scene.store, &filter).unwrap();
        found
            .map(|item| item.unwrap().1.kind().to_owned())
            .collect::<Vec<_>>()
    };
    let kinds = vec![REVIEW.name.to_owned()];
    let denied = Filter {
        denied: Some(true),
        kinds,
        ..Filter::default()
    };
    assert_eq!(found(denied), [REVIEW.name]);
    let author = Filter {
        worker: Some("ada".to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(author), [REVIEW.name]);

    let mut stats = Stats::default();
    for item in select(&*scene.store, &Filter::default()).unwrap() {
        let (seq, entry) = item.unwrap();
        stats.add(seq, &entry);
    }
    assert_eq!((stats.denied, stats.not_denied), (2, 1));

    let (replay, items) = scene.book().replay();
    assert_eq!(replay.counts.of("reviews"), 2);
    let shown = items[0].to_value();
    assert_eq!(shown.get("event"), Some(&Value::from("reviewed")));
    assert_eq!(shown.get("author"), Some(&Value::from("ada")));
}
