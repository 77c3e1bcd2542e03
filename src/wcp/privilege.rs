//! What a worker may reach.

use std::fmt;

use super::terms::{DataLabel, Env};
use crate::ledger::json::{Object, Value};

/// Why an envelope is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivilegeRefusal {
    /// It asks for destinations where none are allowed.
    NoAllowlist,
    /// It asks for a destination that is not allowed.
    NotAllowlisted { destination: String },
    /// Its destinations cannot be read, so that nobody can say where they lead.
    Malformed,
}

impl fmt::Display for PrivilegeRefusal {
    /// The reason as it stands in a decision.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrivilegeRefusal::NoAllowlist => f.write_str("egress_denied_no_allowlist_configured"),
            PrivilegeRefusal::NotAllowlisted { destination } => {
                write!(f, "egress_not_allowlisted:{destination}")
            }
            PrivilegeRefusal::Malformed => f.write_str("egress_malformed"),
        }
    }
}

/// Whether a worker with this envelope may be dispatched to: for `RESTRICTED`
/// data in production, every destination of its `egress.allowlist` must be in
/// the environment's allow-list. Elsewhere, and without an envelope, it may.
///
/// # Errors
/// [`PrivilegeRefusal`] names the first destination that is not allowed.
pub fn policy_allows_privilege(
    env: Env,
    data_label: DataLabel,
    envelope: Option<&Object>,
    allowlist: Option<&[String]>,
) -> Result<(), PrivilegeRefusal> {
    if !env.is_production() || data_label != DataLabel::Restricted {
        return Ok(());
    }
    let destinations = match envelope.map(destinations) {
        None => return Ok(()),
        Some(None) => return Err(PrivilegeRefusal::Malformed),
        Some(Some(destinations)) => destinations,
    };
    let allowed = allowlist.unwrap_or_default();
    for destination in destinations {
        let destination = destination.as_str().ok_or(PrivilegeRefusal::Malformed)?;
        if allowed.is_empty() {
            return Err(PrivilegeRefusal::NoAllowlist);
        }
        if !allowed.iter().any(|one| one == destination) {
            return Err(PrivilegeRefusal::NotAllowlisted {
                destination: destination.to_owned(),
            });
        }
    }
    Ok(())
}

/// `egress.allowlist` of an envelope: empty if absent, none if malformed.
fn destinations(envelope: &Object) -> Option<&[Value]> {
    match envelope.get("egress") {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Object(egress)) => match egress.get("allowlist") {
            None | Some(Value::Null) => Some(&[]),
            Some(allowlist) => allowlist.as_array(),
        },
        Some(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A panic is how a test fails.
mod tests {
    use super::*;
    use crate::ledger::parse::parse;

    fn judge(envelope: &str, allowed: &[&str]) -> Result<(), PrivilegeRefusal> {
        let envelope = parse(envelope.as_bytes()).unwrap();
        let allowed: Vec<String> = allowed.iter().map(|&one| one.to_owned()).collect();
        let (env, label) = (Env::Prod, DataLabel::Restricted);
        policy_allows_privilege(env, label, envelope.as_object(), Some(&allowed))
    }

    #[test]
    fn restricted_egress_in_production_is_allowlisted_or_refused() {
        let envelope = r#"{"egress": {"allowlist": ["a", "b"]}}"#;
        assert_eq!(judge(envelope, &["b", "a"]), Ok(()));
        assert_eq!(judge(envelope, &[]), Err(PrivilegeRefusal::NoAllowlist));
        let missing = judge(envelope, &["a"]).unwrap_err();
        assert_eq!(missing.to_string(), "egress_not_allowlisted:b");
        assert_eq!(judge(r#"{"network_egress": "none"}"#, &[]), Ok(()));
    }

    #[test]
    fn an_unreadable_envelope_is_refused() {
        for envelope in [r#"{"egress": 1}"#, r#"{"egress": {"allowlist": "a"}}"#] {
            assert_eq!(judge(envelope, &["a"]), Err(PrivilegeRefusal::Malformed));
        }
        let mixed = r#"{"egress": {"allowlist": ["a", 1]}}"#;
        assert_eq!(judge(mixed, &["a"]), Err(PrivilegeRefusal::Malformed));
    }
}
