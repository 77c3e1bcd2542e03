//! Records of the store, as a damaged database may give them back: what is read
//! is its own bytes, and has one line as a logbook.

use sealbook::ledger::entry::Entry;

/// Panics where it does not hold.
pub fn holds(record: &[u8]) {
    let Ok(entry) = Entry::from_record(record) else {
        return;
    };
    assert_eq!(entry.record(), record);
    if entry.check_payload_text().is_err() {
        return;
    }
    let mut line = Vec::new();
    entry.write_json(None, &mut line);
    let again = Entry::from_logbook_line(&line).unwrap();
    assert_eq!(again.record(), record);
}
