//! Logbooks: a verdict on any bytes, the same again, and lines that read back.
//! The last bit of the length says whether signatures are checked, so that
//! what lies behind them is reached too.

use super::logs::judge;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::logbook_file::LogbookFile;

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    let signatures = text.len().is_multiple_of(2);
    let report = judge(&mut LogbookFile::new(text), signatures);
    assert_eq!(judge(&mut LogbookFile::new(text), signatures), report);
    let Some(report) = report else { return };
    let lines = text.split(|byte| *byte == b'\n');
    assert!(report.entries <= lines.clone().count() as u64);
    for entry in lines.filter_map(|line| Entry::from_logbook_line(line).ok()) {
        let mut line = Vec::new();
        entry.write_json(None, &mut line);
        let again = Entry::from_logbook_line(&line).unwrap();
        assert_eq!(again.record(), entry.record());
        assert!(again.check_payload().is_ok());
    }
}
