//! Selections of two filters: complete by the narrower, filtered by the other.

use std::collections::BTreeSet;

use sealbook::Verdict;
use sealbook::ledger::fault::NotChecked;
use sealbook::ledger::position::Seq;
use sealbook::store::query::Filter;

use crate::index::{closed_again, codes, export, lines, log, verify};

/// Two filters together: complete by the narrower, and what the other leaves out is named.
#[test]
fn of_two_filters_the_narrower_is_complete_and_names_what_the_other_leaves_out() {
    for (entries, epochs) in [(5, 1), (8, 3), (21, 5), (40, 8)] {
        let ledger = log(entries, epochs);
        for (case, tenant) in (0..5).flat_map(|case| (0..3).map(move |tenant| (case, tenant))) {
            let both = Filter {
                correlation: Some(format!("c-{case}")),
                tenant: Some(format!("t-{tenant}")),
                ..Filter::default()
            };
            let wanted = ledger.query(&both).unwrap().count();
            let said = format!("{entries} entries, {epochs} epochs, {both:?}");
            if wanted == 0 {
                continue;
            }
            let all = lines(&export(&ledger, &both));
            let report = verify(&all.concat(), &ledger);
            assert_eq!(report.verdict, Verdict::Pass, "{said}: {report:?}");
            let complete = report.complete.unwrap();
            assert_eq!(complete.entries - complete.omitted, wanted as u64, "{said}");
            let names = |line: &[u8]| line.starts_with(b"{\"omitted\":");
            let counted = |line: &[u8]| line.starts_with(b"{\"entry\":") || names(line);
            let named = all.iter().filter(|line| names(line)).count() as u64;
            assert_eq!(complete.omitted, named, "{said}");
            assert_eq!(
                report.not_checked.contains(&NotChecked::Omitted),
                named > 0,
                "{said}"
            );
            assert!(!report.not_checked.contains(&NotChecked::Completeness));
            // Without one of those given or named, or with one once more.
            let refused = |changed: Vec<Vec<u8>>| {
                let report = verify(&closed_again(changed), &ledger);
                assert!(codes(&report).contains("IndexMismatch"), "{said}");
                assert_eq!(report.complete, None, "{said}");
            };
            for at in (0..all.len()).filter(|at| counted(&all[*at])) {
                let mut without = all.clone();
                without.remove(at);
                refused(without);
                let mut twice = all.clone();
                twice.insert(at, all[at].clone());
                refused(twice);
            }
        }
    }
}

#[test]
fn what_a_selection_names_as_left_out_stands_in_its_place_and_is_all_of_it() {
    let ledger = log(40, 8);
    let both = Filter {
        kinds: vec!["rare".to_owned()],
        tenant: Some("t-1".to_owned()),
        ..Filter::default()
    };
    let all = lines(&export(&ledger, &both));
    let places: Vec<_> = (0..all.len())
        .filter(|at| all[*at].starts_with(b"{\"omitted\":"))
        .collect();
    assert!(places.len() > 2, "{}", places.len());
    let moved = |from: usize, to: usize| {
        let mut lines = all.clone();
        let line = lines.remove(from);
        lines.insert(to, line);
        closed_again(lines)
    };
    // Behind others: out of the order in which they are counted.
    let (first, last) = (places[0], places[places.len() - 1]);
    for file in [moved(first, last), moved(last, first)] {
        let report = verify(&file, &ledger);
        assert_eq!(codes(&report), BTreeSet::from(["IndexMismatch".to_owned()]));
    }
    // Before the index says how many there are.
    let index = all
        .iter()
        .position(|line| line.starts_with(b"{\"index\":"))
        .unwrap();
    let report = verify(&moved(first, index), &ledger);
    assert!(codes(&report).contains("BundleCorrupt"), "{report:?}");
    // Each byte of such a line.
    for at in 0..all[first].len() - 1 {
        let mut changed = all.clone();
        changed[first][at] ^= 1;
        let report = verify(&closed_again(changed), &ledger);
        assert_eq!(report.verdict, Verdict::Fail, "byte {at}");
        assert_eq!(report.complete, None, "byte {at}");
    }
    // In an epoch that the index does not cover.
    let text = String::from_utf8(all[last].clone()).unwrap();
    let digits = text.find(",\"leaf\"").unwrap();
    let beyond = format!("{{\"omitted\":{{\"epoch\":900{}", &text[digits..]);
    let mut changed = all.clone();
    changed[last] = beyond.into_bytes();
    let report = verify(&closed_again(changed), &ledger);
    assert_eq!(codes(&report), BTreeSet::from(["IndexMismatch".to_owned()]));
}

/// Of a filter that asks for other things besides, as a time or the newest few.
#[test]
fn a_limit_or_a_range_leaves_out_what_is_named() {
    let ledger = log(21, 5);
    let of = |filter: Filter| verify(&export(&ledger, &filter), &ledger);
    let newest = of(Filter {
        tenant: Some("t-2".to_owned()),
        reverse: true,
        limit: Some(3),
        ..Filter::default()
    });
    assert_eq!(newest.verdict, Verdict::Pass, "{newest:?}");
    let complete = newest.complete.unwrap();
    assert_eq!((complete.entries, complete.omitted), (7, 4));
    let early = of(Filter {
        correlation: Some("c-1".to_owned()),
        until_seq: Some(Seq(10)),
        ..Filter::default()
    });
    let complete = early.complete.unwrap();
    assert_eq!(complete.omitted, 2);
    assert!(
        complete
            .to_string()
            .contains("of which 2 are named and left out")
    );
}
