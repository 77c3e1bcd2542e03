//! A whole ledger with an index, verified with files for what does not fit in memory: the
//! verdict is the same, and no verdict where they fail.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sealbook::audit::LedgerSource;
use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Object;
use sealbook::ledger::source::{Event, ReadError, Source, Subject};
use sealbook::ledger::spill::{Spill, SpillFile};
use sealbook::ledger::verify::verify;
use sealbook::{Ledger, Options, Policy, Report, Verdict};

/// Files in a folder, and little in memory.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    in_memory: usize,
}

impl Spill for Folder {
    fn file(&self) -> io::Result<Box<dyn SpillFile>> {
        Ok(Box::new(tempfile::tempfile_in(&self.path)?))
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn in_memory(&self) -> usize {
        self.in_memory
    }
}

/// A ledger whose headers, from one epoch on, say something else of the index.
struct Spilling<'s> {
    inner: LedgerSource<'s>,
    spill: Option<Arc<dyn Spill>>,
    lied: Option<u64>,
}

impl Source for Spilling<'_> {
    fn subject(&self) -> Subject {
        self.inner.subject()
    }

    fn erased(&self) -> BTreeSet<Hash> {
        self.inner.erased()
    }

    fn spill(&self) -> Option<Arc<dyn Spill>> {
        self.spill.clone()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        self.inner.next_batch(batch)?;
        for event in batch {
            if let Event::Epoch(epoch, _) = event
                && self.lied.is_some_and(|lied| epoch.content.epoch.0 >= lied)
            {
                epoch.content.index = Some(Hash::of(b"another"));
            }
        }
        Ok(())
    }
}

fn verified(
    ledger: &Ledger,
    spill: Option<Folder>,
    lied: Option<u64>,
) -> Result<Report, ReadError> {
    let mut source = Spilling {
        inner: LedgerSource::new(ledger.store(), ledger.mark()).unwrap(),
        spill: spill.map(|spill| Arc::new(spill) as Arc<dyn Spill>),
        lied,
    };
    Ok(verify(&mut source, &Policy::default(), &mut |_| ())?.report)
}

/// Epochs of different lengths, with cases, tenants and kinds in turns.
fn log() -> Ledger {
    let ledger = Ledger::in_memory(Options::new("spilled")).unwrap();
    for n in 0..90_u64 {
        let mut payload = Object::new();
        payload.insert("correlation_id", format!("c-{}", n * n % 37));
        payload.insert("tenant_id", format!("t-{}", n % 3));
        ledger
            .append(["usual", "rare"][usize::from(n % 7 == 2)], &payload)
            .unwrap();
        if n < 8 || n % 20 == 0 {
            ledger.seal().unwrap().unwrap();
        }
    }
    ledger
}

#[test]
fn the_report_is_the_same_however_little_is_in_memory() {
    let ledger = log();
    let folder = tempfile::tempdir().unwrap();
    for lied in [None, Some(0), Some(3), Some(11)] {
        let expected = verified(&ledger, None, lied).unwrap();
        let mut codes = expected.faults.iter().map(|fault| fault.code);
        let is_found = codes.any(|code| code == FaultCode::IndexMismatch);
        assert_eq!(is_found, lied.is_some());
        assert_eq!(expected.verdict == Verdict::Pass, lied.is_none());
        for in_memory in [0, 1, 2, 17, 64, usize::MAX] {
            let spill = Folder {
                path: folder.path().to_owned(),
                in_memory,
            };
            let report = verified(&ledger, Some(spill), lied).unwrap();
            assert_eq!(report, expected, "{in_memory}");
        }
    }
    assert_eq!(
        ledger.verify(&Policy::default()).unwrap().verdict,
        Verdict::Pass
    );
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn without_its_files_a_verification_has_no_verdict() {
    let ledger = log();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for lied in [None, Some(0)] {
        let spill = Folder {
            path: missing.clone(),
            in_memory: 0,
        };
        let error = verified(&ledger, Some(spill), lied).unwrap_err();
        assert!(matches!(error, ReadError::Spill(_)));
        let text = error.to_string();
        assert!(text.contains(missing.to_str().unwrap()), "{text}");
        let error = sealbook::Error::from(error);
        assert_eq!(error.code(), "io");
    }
    // Where all fits in memory, none is needed.
    let spill = Folder {
        path: missing,
        in_memory: 1 << 16,
    };
    let report = verified(&ledger, Some(spill), None).unwrap();
    assert_eq!(report.verdict, Verdict::Pass);
}
