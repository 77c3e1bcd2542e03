//! The catalogue, and what is made from it.

use sealbook::wcp::catalog::{Catalog, CatalogError, EntryType};
use sealbook::wcp::dispatch::{simulate, simulated_rules};
use sealbook::wcp::{Env, RouteInput};

use crate::support::{fixture, request, stamp};

#[test]
fn the_built_in_catalogue_is_the_fixture_and_its_references_resolve() {
    let text = std::fs::read(fixture("catalog.json")).unwrap();
    let catalog = Catalog::parse(&text).unwrap();
    assert_eq!(&catalog, Catalog::built_in());
    for entry in catalog.entries() {
        for related in &entry.related {
            assert!(
                catalog.explain(related).is_some(),
                "{}: {related}",
                entry.id
            );
        }
    }
    for kind in EntryType::ALL {
        assert!(catalog.browse(kind).count() > 0, "{kind}");
    }
}

#[test]
fn search_finds_by_words_in_any_field() {
    let catalog = Catalog::built_in();
    let best = |query: &str| {
        catalog
            .search(query)
            .first()
            .map(|found| found.entry.id.as_str())
    };
    let found = catalog.search("summarize documents");
    let found: Vec<_> = found
        .iter()
        .take(2)
        .map(|found| found.entry.id.as_str())
        .collect();
    assert_eq!(found, ["wrk.doc.summarizer", "cap.doc.summarize"]);
    assert_eq!(
        best("append only audit"),
        Some("ctrl.obs.audit-log-append-only")
    );
    assert_eq!(best("MONEY"), Some("cap.pay.transfer"));
    assert_eq!(best(""), None);
    assert_eq!(best("qqqqzzzz"), None);
}

#[test]
fn duplicate_ids_are_refused() {
    let entry = r#"{"id": "cap.a", "name": "a", "description": "a"}"#;
    let error = Catalog::parse(format!(r#"{{"entries": [{entry}, {entry}]}}"#).as_bytes());
    assert!(matches!(
        error,
        Err(CatalogError::DuplicateId { index: 1, .. })
    ));
}

#[test]
fn a_dispatch_is_simulated_and_never_real() {
    let catalog = Catalog::built_in();
    let input = request(&[("capability_id", "cap.doc.summarize".into())]);
    let mut input = RouteInput::read(&input, "").unwrap();
    input.env = Env::Prod;
    let rules = simulated_rules(catalog, "cap.doc.summarize").unwrap();
    let decision = simulate(&rules, &input, stamp());
    assert_eq!(
        decision.selected_worker_species_id.as_deref(),
        Some("wrk.doc.summarizer")
    );
    assert!(decision.dry_run);
    let nobody = simulated_rules(catalog, "cap.nobody.can").unwrap();
    input.capability_id = "cap.nobody.can".to_owned();
    let denial = simulate(&nobody, &input, stamp())
        .deny_reason_if_denied
        .unwrap();
    assert_eq!(denial.code(), "DENY_NO_AVAILABLE_WORKER");
}
