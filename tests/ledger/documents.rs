//! Documents in bundles: everything that is referred to is there and is what
//! its digest says, and nothing else is.

use sealbook::ledger::bundle::BundleWriter;
use sealbook::ledger::bundle_line::{BundleOpening, Contents};
use sealbook::ledger::document::digest_of;
use sealbook::ledger::entry::Draft;
use sealbook::ledger::fault::{At, FaultCode, NotChecked, Report};
use sealbook::ledger::kind;
use sealbook::ledger::position::Seq;
use sealbook::ledger::version::Version;

use crate::bundles::{judge_bundle, judge_proof};
use crate::sample::Sample;

fn codes(report: &Report) -> Vec<FaultCode> {
    report.faults.iter().map(|fault| fault.code).collect()
}

fn lines_with(bundle: &[u8], start: &str) -> usize {
    let text = std::str::from_utf8(bundle).unwrap();
    text.lines().filter(|line| line.starts_with(start)).count()
}

#[test]
fn every_range_and_selection_carries_what_it_refers_to_once() {
    let sample = Sample::documented();
    for first in 0..7 {
        for last in first..7 {
            let bundle = sample.range_bundle(first, last, true);
            let report = judge_bundle(&bundle, &sample);
            assert_eq!(report.faults, [], "{first}..={last}");
        }
    }
    for (seqs, documents) in [
        (&[3][..], 1),
        (&[4], 2),
        (&[3, 4], 2),
        (&[1, 3], 0),
        (&[1, 4], 1),
        (&[5], 0),
    ] {
        let bundle = sample.selection_bundle(seqs, true);
        assert_eq!(judge_bundle(&bundle, &sample).faults, [], "{seqs:?}");
        assert_eq!(lines_with(&bundle, "{\"document\":"), documents, "{seqs:?}");
    }
}

/// A selection of entry 4, which refers to both documents, with these beside
/// it. The closing record fits, but is not signed.
fn with_documents(sample: &Sample, documents: &[&sealbook::ledger::entry::Entry]) -> Report {
    let opening = BundleOpening {
        version: Version::One,
        contents: Contents::Selection,
        log: sample.log(),
        genesis: sample.genesis(),
        index: false,
        openings: false,
    };
    let proof = sample.proof(4);
    let mut writer = BundleWriter::new(Vec::new(), &opening, &sample.entries[0]).unwrap();
    for document in documents {
        writer.document(document).unwrap();
    }
    writer.epoch(&proof.epoch).unwrap();
    let path = Some(&proof.path[..]);
    writer.entry(Seq(4), &proof.entry, path).unwrap();
    let (bytes, closing) = writer.finish(None).unwrap();
    assert_eq!(closing.documents, documents.len() as u64);
    judge_bundle(&bytes, sample)
}

#[test]
fn a_document_that_is_missing_is_named_at_the_entry_that_needs_it() {
    let sample = Sample::documented();
    let [rules, policy] = [&sample.entries[1], &sample.entries[2]];
    let report = with_documents(&sample, &[]);
    assert_eq!(codes(&report), [FaultCode::DocumentMissing; 2]);
    let report = with_documents(&sample, &[policy]);
    assert_eq!(codes(&report), [FaultCode::DocumentMissing]);
    let fault = &report.faults[0];
    let detail = format!(
        "the document {} that it refers to is not here",
        digest_of(rules).unwrap()
    );
    assert_eq!(fault.detail, detail);
    assert_eq!(
        (fault.at, fault.index, fault.seq, fault.line),
        (At::Entry, Some(0), Some(4), Some(4))
    );
}

#[test]
fn documents_stand_once_in_order_and_only_if_someone_asks() {
    let sample = Sample::documented();
    let mut documents = [&sample.entries[1], &sample.entries[2]];
    documents.sort_by_key(|entry| digest_of(entry).unwrap());
    let [first, second] = documents;
    assert_eq!(with_documents(&sample, &[first, second]).faults, []);
    let report = with_documents(&sample, &[second, first]);
    let expected = [FaultCode::BundleCorrupt, FaultCode::DocumentMissing];
    assert_eq!(codes(&report), expected);
    let report = with_documents(&sample, &[first, second, second]);
    assert_eq!(codes(&report), [FaultCode::BundleCorrupt]);
    // An entry that is not a document, and a document that nobody asked for.
    let report = with_documents(&sample, &[first, second, &sample.entries[5]]);
    assert_eq!(codes(&report), [FaultCode::BundleCorrupt]);
    let other = r#"{"content":"","digest":"blake2b-256:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8","media_type":"t"}"#;
    let draft = Draft::new(
        kind::DOCUMENT,
        first.ts(),
        other.as_bytes(),
        &first.prev_hash(),
    );
    let unasked = draft.unwrap().sign(&sample.signer).unwrap();
    digest_of(&unasked).unwrap();
    let mut all = [first, second, &unasked];
    all.sort_by_key(|entry| digest_of(entry).unwrap());
    let report = with_documents(&sample, &all);
    assert_eq!(codes(&report), [FaultCode::BundleCorrupt]);
    assert_eq!(report.faults[0].detail, "no entry refers to this document");
}

#[test]
fn a_document_that_is_not_its_digests_or_not_the_logs_is_refused() {
    let sample = Sample::documented();
    let [rules, policy] = [&sample.entries[1], &sample.entries[2]];
    // The owner of the key may sign anything; the digest tells.
    let payload = std::str::from_utf8(rules.payload_bytes()).unwrap();
    let payload = payload.replace("prod", "test");
    let draft = Draft::new(
        kind::DOCUMENT,
        rules.ts(),
        payload.as_bytes(),
        &rules.prev_hash(),
    );
    let changed = draft.unwrap().sign(&sample.signer).unwrap();
    let report = with_documents(&sample, &[&changed, policy]);
    let expected = [FaultCode::DocumentMismatch, FaultCode::DocumentMissing];
    assert_eq!(codes(&report), expected);
    assert_eq!(report.faults[0].at, At::Document);
    assert!(report.faults[0].expected.is_some());
    // The right content under nobody's signature.
    let line = String::from_utf8(sample.selection_bundle(&[3], false)).unwrap();
    let signature = rules.signature().to_string();
    let forged = line.replace(&signature, &"00".repeat(64));
    let report = judge_bundle(forged.as_bytes(), &sample);
    let expected = [
        FaultCode::SignatureInvalid,
        FaultCode::BundleCorrupt,
        FaultCode::DocumentMissing,
    ];
    let mut found = codes(&report);
    found.sort_by_key(|code| expected.iter().position(|e| e == code));
    assert_eq!(found, expected);
}

#[test]
fn a_proof_promises_no_documents_and_says_so() {
    let sample = Sample::documented();
    let report = judge_proof(&sample.proof(4).to_bytes(), &sample);
    assert_eq!(report.faults, []);
    let unknown = [NotChecked::Chain, NotChecked::Documents];
    assert_eq!(report.not_checked, unknown);
    let report = judge_proof(&sample.proof(5).to_bytes(), &sample);
    assert_eq!(report.not_checked, [NotChecked::Chain]);
}
