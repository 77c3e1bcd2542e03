//! Signed statements and what is kept of a log: headers, heads, revocations,
//! checkpoints, receipts. What is read is written the same again.

use sealbook::ledger::checkpoint::Checkpoint;
use sealbook::ledger::parse::parse;
use sealbook::ledger::published::Published;
use sealbook::ledger::receipts::Receipts;
use sealbook::ledger::revocation::SignedRevocation;

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    if let Ok(published) = Published::from_line(text) {
        let line = published.to_line();
        let again = Published::from_line(line.strip_suffix(b"\n").unwrap_or(&line)).unwrap();
        assert_eq!(again.to_line(), line);
        if let Published::Epoch(epoch) = &published {
            let _alone = epoch.content.faults_alone();
            let _after = epoch.content.faults_after(Some(&epoch.content));
        }
        let _anchor = published.to_anchor();
    }
    let _read = Receipts::read(&mut &*text);
    let Ok(value) = parse(text) else { return };
    if let Ok(revocation) = SignedRevocation::from_value(&value) {
        assert_eq!(revocation.to_value(), value);
        let _judged = revocation.verify();
    }
    if let Ok(state) = Checkpoint::restore(&value) {
        let saved = state.checkpoint.save(None).unwrap();
        assert_eq!(
            Checkpoint::restore(&saved).unwrap().checkpoint,
            state.checkpoint
        );
    }
}
