//! The signed index: small logs exhaustively, and every byte of what is proven.

use std::collections::BTreeSet;
use std::io::Write as _;

use sealbook::api::{Absence, Export, ExportFormat, Unsealed};
use sealbook::ledger::fault::{FaultCode, NotChecked};
use sealbook::ledger::hash::{Hash, Hasher};
use sealbook::ledger::index::term::{Field, Term};
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::version::Version;
use sealbook::store::query::Filter;
use sealbook::{Ledger, Options, Policy, Report, Verdict};

/// `entries` entries beside the first, in `epochs` epochs of about one length. Cases,
/// tenants and kinds come in turns of different lengths.
pub(crate) fn log(entries: u64, epochs: u64) -> Ledger {
    let ledger = Ledger::in_memory(Options::new("small")).unwrap();
    let mut sealed = 0;
    for n in 0..entries {
        let mut payload = Object::new();
        payload.insert("correlation_id", format!("c-{}", n % 5));
        payload.insert("tenant_id", format!("t-{}", n % 3));
        if n % 4 == 1 {
            payload.insert("worker_id", "org.w");
        }
        let kind = if n % 7 == 2 { "rare" } else { "usual" };
        ledger.append(kind, &payload).unwrap();
        if (n + 1) * epochs / entries > sealed {
            sealed += 1;
            ledger.seal().unwrap().unwrap();
        }
    }
    assert_eq!(
        ledger.verify(&Policy::default()).unwrap().verdict,
        Verdict::Pass
    );
    ledger
}

fn filter(term: &Term) -> Filter {
    let mut filter = Filter::default();
    let value = Some(term.value.clone());
    match term.field {
        Field::Kind => filter.kinds = vec![term.value.clone()],
        Field::Tenant => filter.tenant = value,
        Field::Correlation => filter.correlation = value,
        Field::Worker => filter.worker = value,
        Field::TenantJson | Field::Denied => panic!("{term} is not exported by"),
    }
    filter
}

pub(crate) fn export(ledger: &Ledger, filter: &Filter) -> Vec<u8> {
    let mut bundle = Vec::new();
    let export = Export {
        filter,
        format: ExportFormat::Bundle,
        version: Version::Two,
        openings: Default::default(),
        unsealed: Unsealed::LeftOut,
        no_sign: true,
        progress: &mut |_| (),
    };
    ledger.export(export, &mut bundle).unwrap();
    bundle
}

fn absence(ledger: &Ledger, term: &Term) -> Vec<u8> {
    let mut file = Vec::new();
    match ledger.absent(term, true, &mut file).unwrap() {
        Absence::Proven { .. } => file,
        Absence::Present { entries } => panic!("{entries} entries have {term}"),
    }
}

pub(crate) fn verify(file: &[u8], ledger: &Ledger) -> Report {
    let policy = Policy {
        allow_unsigned: true,
        ..Policy::key(ledger.key())
    };
    sealbook::verify(file, &policy).unwrap()
}

pub(crate) fn codes(report: &Report) -> BTreeSet<String> {
    let codes = report
        .faults
        .iter()
        .map(|fault| format!("{:?}", fault.code));
    codes.collect()
}

pub(crate) fn lines(bundle: &[u8]) -> Vec<Vec<u8>> {
    bundle
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

/// A bundle of these lines, whose closing record is right and not signed, as anybody
/// makes it. Headers of which no entry is left go, too.
pub(crate) fn closed_again(mut lines: Vec<Vec<u8>>) -> Vec<u8> {
    let closing = lines.pop().unwrap();
    let is = |line: &[u8], name: &str| line.starts_with(format!("{{\"{name}\":").as_bytes());
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        if (is(&line, "epoch") || is(&line, "opening"))
            && kept.last().is_some_and(|last| is(last, "epoch"))
        {
            kept.pop();
        }
        kept.push(line);
    }
    let body = kept.concat();
    let count = |name| kept.iter().filter(|line| is(line, name)).count() as u64;
    let record = parse(closing.trim_ascii_end()).unwrap();
    let mut inner = record.get("bundle").unwrap().as_object().unwrap().clone();
    let mut hasher = Hasher::new();
    hasher.update(&body);
    inner.insert("bytes", body.len() as u64);
    inner.insert("entries", count("entry"));
    inner.insert("epochs", count("epoch"));
    inner.insert("hash", hasher.finish().to_string());
    let line: Object = [("bundle", Value::Object(inner))].into_iter().collect();
    let mut bundle = body;
    writeln!(bundle, "{}", Value::Object(line).canonical(Form::Utf8)).unwrap();
    bundle
}

fn terms() -> Vec<Term> {
    let mut terms = vec![
        Term::new(Field::Kind, "usual"),
        Term::new(Field::Kind, "rare"),
        Term::new(Field::Worker, "org.w"),
    ];
    terms.extend((0..5).map(|n| Term::new(Field::Correlation, format!("c-{n}"))));
    terms.extend((0..3).map(|n| Term::new(Field::Tenant, format!("t-{n}"))));
    terms
}

/// Every selection that lacks an entry, whichever; those of more than eight entries
/// lack one, or all but one.
fn lacking(entries: usize) -> Vec<BTreeSet<usize>> {
    if entries <= 3 {
        let all = (0..(1_usize << entries) - 1)
            .map(|mask| (0..entries).filter(|at| mask >> at & 1 == 1).collect());
        return all.collect();
    }
    let one = (0..entries).map(|gone| (0..entries).filter(|at| *at != gone).collect());
    one.chain((0..entries.min(2)).map(|only| BTreeSet::from([only])))
        .collect()
}

#[test]
fn every_complete_selection_passes_and_every_one_that_lacks_an_entry_is_refused() {
    for entries in [1, 2, 3, 5, 8, 13, 21, 40] {
        for epochs in (1..=8).filter(|epochs| *epochs <= entries) {
            if entries > 8 && epochs % 3 != 2 {
                continue;
            }
            let ledger = log(entries, epochs);
            for term in terms() {
                let filter = filter(&term);
                let wanted = ledger.query(&filter).unwrap().count();
                let said = format!("{entries} entries, {epochs} epochs, {term}");
                if wanted == 0 {
                    let report = verify(&absence(&ledger, &term), &ledger);
                    assert_eq!(report.verdict, Verdict::Pass, "{said}: {report:?}");
                    assert_eq!(report.complete.unwrap().entries, 0);
                    continue;
                }
                let bundle = export(&ledger, &filter);
                let report = verify(&bundle, &ledger);
                assert_eq!(report.verdict, Verdict::Pass, "{said}: {report:?}");
                let complete = report.complete.unwrap();
                assert_eq!(complete.entries, wanted as u64, "{said}");
                assert!(report.not_checked.contains(&NotChecked::Index), "{said}");
                assert!(
                    !report.not_checked.contains(&NotChecked::Completeness),
                    "{said}"
                );
                let all = lines(&bundle);
                let is_entry = |line: &Vec<u8>| line.starts_with(b"{\"entry\":");
                let places: Vec<_> = (0..all.len()).filter(|at| is_entry(&all[*at])).collect();
                for kept in lacking(wanted) {
                    let left = all.iter().enumerate().filter(|(at, _)| {
                        let entry = places.iter().position(|place| place == at);
                        entry.is_none_or(|entry| kept.contains(&entry))
                    });
                    let cut = closed_again(left.map(|(_, line)| line.clone()).collect());
                    let report = verify(&cut, &ledger);
                    let expected = BTreeSet::from(["IndexMismatch".to_owned()]);
                    assert_eq!(codes(&report), expected, "{said}, kept {kept:?}");
                    assert_eq!(report.complete, None);
                }
            }
        }
    }
}

#[test]
fn what_is_repeated_moved_or_of_another_term_is_refused_by_name() {
    let ledger = log(21, 5);
    let (one, other) = (
        Term::new(Field::Correlation, "c-1"),
        Term::new(Field::Correlation, "c-2"),
    );
    let (bundle, stranger) = (
        export(&ledger, &filter(&one)),
        export(&ledger, &filter(&other)),
    );
    let all = lines(&bundle);
    let at = |lines: &[Vec<u8>], name: &str| {
        let name = format!("{{\"{name}\":");
        lines
            .iter()
            .position(|line| line.starts_with(name.as_bytes()))
            .unwrap()
    };
    // An entry once more.
    let mut repeated = all.clone();
    repeated.insert(at(&all, "entry"), all[at(&all, "entry")].clone());
    let found = codes(&verify(&closed_again(repeated), &ledger));
    assert!(
        found.contains("SequenceGap") && found.contains("IndexMismatch"),
        "{found:?}"
    );
    // The proof of another term.
    let mut swapped = all.clone();
    let theirs = lines(&stranger);
    swapped[at(&all, "index")] = theirs[at(&theirs, "index")].clone();
    let report = verify(&closed_again(swapped), &ledger);
    assert!(codes(&report).contains("IndexMismatch"), "{report:?}");
    assert_eq!(report.complete, None);
    // The proof of an earlier epoch, which the entries go beyond.
    let earlier = log(21, 5);
    let theirs = lines(&export(&earlier, &filter(&one)));
    let mut swapped = all.clone();
    swapped[at(&all, "index")] = theirs[at(&theirs, "index")].clone();
    let found = codes(&verify(&closed_again(swapped), &ledger));
    assert!(
        found.contains("LogKeyMismatch") && found.contains("GenesisMismatch"),
        "{found:?}"
    );
    // An entry of another case, with its path.
    let mut added = all.clone();
    let theirs = lines(&stranger);
    let (epoch, entry) = (at(&theirs, "epoch"), at(&theirs, "entry"));
    let before = at(&all, "epoch");
    if theirs[epoch] == all[before] {
        added.insert(before + 1, theirs[entry].clone());
    } else {
        added.splice(
            before..before,
            [theirs[epoch].clone(), theirs[entry].clone()],
        );
    }
    let found = codes(&verify(&closed_again(added), &ledger));
    assert!(found.contains("IndexMismatch"), "{found:?}");
    // Without the proof it is a selection as there were before.
    let mut without = all.clone();
    without.remove(at(&all, "index"));
    let report = verify(&closed_again(without), &ledger);
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
    assert!(report.not_checked.contains(&NotChecked::Completeness));
}

#[test]
fn a_count_that_is_off_by_one_does_not_lead_to_the_index() {
    let ledger = log(21, 5);
    let bundle = export(&ledger, &filter(&Term::new(Field::Tenant, "t-1")));
    let text = String::from_utf8(bundle).unwrap();
    let from = text.find("\"entries\":").unwrap() + "\"entries\":".len();
    let digits = text[from..].find(|c: char| !c.is_ascii_digit()).unwrap();
    let count: u64 = text[from..from + digits].parse().unwrap();
    let changed = format!("{}{}{}", &text[..from], count + 1, &text[from + digits..]);
    let report = verify(&closed_again(lines(changed.as_bytes())), &ledger);
    assert_eq!(codes(&report), BTreeSet::from(["IndexInvalid".to_owned()]));
}

#[test]
fn no_byte_of_a_proof_can_be_another() {
    let ledger = log(13, 4);
    let present = export(&ledger, &filter(&Term::new(Field::Worker, "org.w")));
    let absent = absence(&ledger, &Term::new(Field::Tenant, "nobody"));
    for file in [present, absent] {
        assert_eq!(verify(&file, &ledger).verdict, Verdict::Pass);
        let all = lines(&file);
        let at = all
            .iter()
            .position(|line| line.starts_with(b"{\"index\":"))
            .unwrap();
        for byte in 0..all[at].len() - 1 {
            let mut changed = all.clone();
            changed[at][byte] ^= 1;
            // The closing record is made right: what is refused is the proof.
            let report = verify(&closed_again(changed), &ledger);
            assert_eq!(report.verdict, Verdict::Fail, "byte {byte}");
            assert_eq!(report.complete, None, "byte {byte}");
        }
        for byte in 0..file.len() {
            let mut changed = file.clone();
            changed[byte] ^= 1;
            let passed = sealbook::verify(&changed[..], &Policy::key(ledger.key()))
                .is_ok_and(|report| report.verdict == Verdict::Pass);
            assert!(!passed, "byte {byte}");
        }
    }
}

#[test]
fn what_comes_after_the_last_sealed_epoch_is_not_covered_and_said() {
    let ledger = log(8, 3);
    let mut payload = Object::new();
    payload.insert("correlation_id", "c-1");
    ledger.append("usual", &payload).unwrap();
    let report = verify(
        &export(&ledger, &filter(&Term::new(Field::Correlation, "c-1"))),
        &ledger,
    );
    let complete = report.complete.unwrap();
    assert_eq!((complete.epoch, complete.seq), (2, 8));
    assert_eq!(complete.entries, 2);
    assert!(complete.to_string().contains("up to entry 8 (epoch 2)"));
    // A case of which only that entry is left is absent as far as is sealed.
    payload.insert("correlation_id", "new");
    ledger.append("usual", &payload).unwrap();
    let report = verify(
        &absence(&ledger, &Term::new(Field::Correlation, "new")),
        &ledger,
    );
    assert_eq!(report.complete.unwrap().seq, 8);
    ledger.seal().unwrap();
    let mut file = Vec::new();
    let term = Term::new(Field::Correlation, "new");
    let answer = ledger.absent(&term, true, &mut file).unwrap();
    assert_eq!((answer, file.len()), (Absence::Present { entries: 1 }, 0));
}

#[test]
fn a_log_without_an_index_is_as_it_was() {
    let options = Options::default().format_version(Version::One);
    let ledger = Ledger::in_memory(options).unwrap();
    let mut payload = Object::new();
    payload.insert("correlation_id", "c-1");
    ledger.append("usual", &payload).unwrap();
    let header = ledger.seal().unwrap().unwrap();
    assert_eq!((header.content.format, header.content.index), (None, None));
    let term = Term::new(Field::Correlation, "c-1");
    let report = verify(&export(&ledger, &filter(&term)), &ledger);
    assert!(report.not_checked.contains(&NotChecked::Completeness));
    let refused = ledger.absent(&term, true, &mut Vec::new()).unwrap_err();
    assert_eq!(refused.code(), "no_index");
}

#[test]
fn a_header_names_its_format_and_its_index_together() {
    let ledger = log(2, 2);
    let header = ledger.seal().unwrap();
    assert_eq!(header, None);
    let bundle = export(&ledger, &filter(&Term::new(Field::Kind, "usual")));
    let text = String::from_utf8(bundle).unwrap();
    assert!(
        text.starts_with(r#"{"sealbook":{"contents":"selection","format":2,"#),
        "{text}"
    );
    assert!(text.lines().next().unwrap().contains(r#""uses":["terms"]"#));
    // Where the first line does not say it, no header may.
    let unsaid = text.replacen(r#""uses":["terms"]"#, r#""uses":[]"#, 1);
    let mut unsaid = lines(unsaid.as_bytes());
    unsaid.retain(|line| !line.starts_with(b"{\"index\":"));
    let report = verify(&closed_again(unsaid), &ledger);
    assert_eq!(
        report.faults[0].code,
        FaultCode::BundleCorrupt,
        "{report:?}"
    );
    assert_ne!(Hash::ZERO, ledger.head().unwrap().content.hash);
}
