//! What a Hall enforces whatever its rules say.

use serde::{Deserialize, Serialize};

use crate::ledger::json::Value;
use crate::ledger::shape::{self, MemberError};

/// Floors that single rules cannot lower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HallConfig {
    /// Deny tenants that are not in `allowed_tenants`.
    pub require_signatory: bool,
    #[serde(deserialize_with = "shape::or_default")]
    pub allowed_tenants: Vec<String>,
    /// Declared, but enforced by nothing yet: see [`HallConfig::warnings`].
    pub require_credential: bool,
    /// Verify a worker's code hash before dispatch (WCP §5.10).
    pub require_worker_attestation: bool,
    pub enforce_correlation_id: bool,
    pub enforce_required_controls: bool,
    /// Score the blast radius in `prod` and `edge`.
    pub enforce_blast_scoring_in_prod: bool,
    pub enforce_privilege_envelopes: bool,
}

impl Default for HallConfig {
    fn default() -> HallConfig {
        HallConfig {
            require_signatory: false,
            allowed_tenants: Vec::new(),
            require_credential: false,
            require_worker_attestation: false,
            enforce_correlation_id: true,
            enforce_required_controls: true,
            enforce_blast_scoring_in_prod: true,
            enforce_privilege_envelopes: false,
        }
    }
}

/// Something in a configuration that its author should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigWarning {
    #[error("require_credential is set, but no credential is verified yet: it denies nothing")]
    CredentialNotEnforced,
    #[error("require_signatory is set and allowed_tenants is empty: every request is denied")]
    NobodyAllowed,
}

impl HallConfig {
    /// Reads a configuration: every field may be left out, none may be unknown;
    /// `at` is the path that errors begin with.
    pub fn read(value: &Value, at: &str) -> Result<HallConfig, MemberError> {
        shape::read(value, at)
    }

    pub fn to_value(&self) -> Value {
        shape::write(self)
    }

    /// What a program that loads this configuration should show once: the library
    /// prints nothing and keeps no state to remember that it did.
    pub fn warnings(&self) -> impl Iterator<Item = ConfigWarning> {
        let credential = self.require_credential;
        let nobody = self.require_signatory && self.allowed_tenants.is_empty();
        [
            credential.then_some(ConfigWarning::CredentialNotEnforced),
            nobody.then_some(ConfigWarning::NobodyAllowed),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A panic is how a test fails.
mod tests {
    use super::*;
    use crate::ledger::parse::parse;

    #[test]
    fn defaults_read_back_from_what_is_written() {
        let given = HallConfig::default();
        assert_eq!(HallConfig::read(&given.to_value(), ""), Ok(given.clone()));
        assert_eq!(HallConfig::read(&parse(b"{}").unwrap(), ""), Ok(given));
    }

    #[test]
    fn errors_name_the_field() {
        let read = |text: &str| {
            let value = parse(text.as_bytes()).unwrap();
            HallConfig::read(&value, "config").unwrap_err().at
        };
        assert_eq!(
            read(r#"{"require_signatory": 1}"#),
            "config.require_signatory"
        );
        assert_eq!(
            read(r#"{"allowed_tenants": ["a", 2]}"#),
            "config.allowed_tenants[1]"
        );
        assert_eq!(read(r#"{"enforce_all": true}"#), "config.enforce_all");
    }

    #[test]
    fn an_unenforced_credential_is_warned_of() {
        let mut config = HallConfig::default();
        assert_eq!(config.warnings().count(), 0);
        config.require_credential = true;
        let warnings: Vec<_> = config.warnings().collect();
        assert_eq!(warnings, [ConfigWarning::CredentialNotEnforced]);
    }
}
