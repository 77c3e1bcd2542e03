//! What someone kept of a log, header by header, against what is verified.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::epoch::EpochHeader;
use sealbook::ledger::fault::{FaultCode, NotChecked, Report};
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::published::Published;
use sealbook::ledger::source::Source;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::verify::{Anchor, Policy, verify};

use crate::sample::Sample;

fn published(sample: &Sample) -> Vec<Anchor> {
    let epochs = sample.epochs.iter().cloned().map(Published::Epoch);
    let last = sample.entries.len() as u64 - 1;
    let lines = epochs.chain([Published::Head(sample.head(last))]);
    lines
        .map(|line| {
            let bytes = line.to_line();
            let again = Published::from_line(bytes.trim_ascii_end()).unwrap();
            assert_eq!(again, line);
            again.to_anchor()
        })
        .collect()
}

fn check(source: &mut dyn Source, sample: &Sample, contains: Vec<Anchor>) -> Report {
    let policy = Policy {
        keys: vec![sample.log()],
        contains,
        ..Policy::default()
    };
    verify(source, &policy, &mut |_| ()).unwrap().report
}

fn check_bundle(bytes: &[u8], sample: &Sample, contains: Vec<Anchor>) -> Report {
    check(&mut BundleFile::open(bytes).unwrap(), sample, contains)
}

#[test]
fn everything_that_was_published_is_in_the_whole() {
    let sample = Sample::new(&[1, 5, 4], 3);
    let report = check_bundle(
        &sample.range_bundle(0, 12, true),
        &sample,
        published(&sample),
    );
    assert_eq!((report.faults, report.not_checked), (vec![], vec![]));
}

#[test]
fn a_part_is_tied_to_the_published_header_that_it_is_proven_into() {
    let sample = Sample::new(&[1, 5, 4], 3);
    // None of these holds the last entry of an epoch, which a header names.
    let range = sample.range_bundle(2, 3, true);
    let selection = sample.selection_bundle(&[3], true);
    let proof = sample.proof(3).to_bytes();
    let sources: [Box<dyn Source>; 3] = [
        Box::new(BundleFile::open(&range[..]).unwrap()),
        Box::new(BundleFile::open(&selection[..]).unwrap()),
        Box::new(ProofFile::new(&proof)),
    ];
    for mut source in sources {
        let report = check(&mut *source, &sample, published(&sample));
        assert_eq!(report.faults, []);
        assert!(report.not_checked.contains(&NotChecked::Heads));
        let said = "3 of 4 headers and heads given are of entries that are not in this part";
        assert!(report.warnings.iter().any(|w| w.detail == said));
    }
    // If none of it is here, nothing was checked, which is not a pass.
    let others = published(&sample).split_off(2);
    let report = check_bundle(&range, &sample, others);
    let codes: Vec<_> = report.faults.iter().map(|f| f.code).collect();
    assert_eq!(codes, [FaultCode::HeadNotContained; 2]);
}

#[test]
fn two_headers_of_one_epoch_under_the_logs_signature_are_equivocation() {
    let sample = Sample::new(&[1, 5, 4], 0);
    let header = &sample.epochs[1].content;
    let sealed_later = EpochHeader {
        sealed_at: header.sealed_at.saturating_add_micros(1),
        ..header.clone()
    };
    let kept = Statement::sign(sealed_later, &sample.signer).unwrap();
    let anchor = Anchor {
        line: Some(7),
        ..Published::Epoch(kept.clone()).to_anchor()
    };
    let bundle = sample.range_bundle(0, 9, true);
    let report = check_bundle(&bundle, &sample, vec![anchor.clone()]);
    let [fault] = &report.faults[..] else {
        panic!("{report:?}");
    };
    assert_eq!((fault.code, fault.line), (FaultCode::Equivocation, Some(7)));
    assert_eq!(fault.expected, Some(kept.content.hash().to_string()));
    assert_eq!(fault.actual, Some(header.hash().to_string()));
    // What nobody signed is not evidence of it.
    let unsigned = Anchor {
        signed: false,
        ..anchor
    };
    let report = check_bundle(&bundle, &sample, vec![unsigned]);
    assert_eq!(report.faults[0].code, FaultCode::HeadNotContained);
}
