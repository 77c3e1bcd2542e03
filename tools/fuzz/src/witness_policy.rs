//! Policies of witnesses: anyone who cosigns besides makes no quorum less of one, and as
//! many as can be lost can be lost.

use sealbook::ledger::witness_policy::parse;

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    let Ok(policy) = parse(text) else { return };
    let witnesses = policy.witnesses.len();
    let mut met = policy.is_met(|_| false);
    for cosigned in 1..=witnesses {
        let now = policy.is_met(|witness| witness < cosigned);
        assert!(now || !met);
        met = now;
    }
    assert!(met, "all of them are a quorum");
    if let Some(lost) = policy.can_lose() {
        assert!(lost < witnesses);
        assert!(policy.is_met(|witness| witness >= lost));
        assert!(policy.is_met(|witness| witness < witnesses - lost));
    }
}
