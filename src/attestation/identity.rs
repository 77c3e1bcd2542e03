//! Who may be attested: workers with a namespace.

use crate::ledger::json::Quoted;
use thiserror::Error;

/// A worker id that names no namespace, so that nobody can attest it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "worker id {} is neither `x.<name>` nor `org.<name>`",
    Quoted(worker_id)
)]
pub struct NamespaceError {
    pub worker_id: String,
}

/// The namespace of a worker id: its first two components, `x.<name>` or
/// `org.<name>`.
///
/// # Errors
/// [`NamespaceError`] for any other id. A name that is blank or has white space
/// or control characters is none: it would forge the trust statement's text.
pub fn namespace(worker_id: &str) -> Result<&str, NamespaceError> {
    let error = || NamespaceError {
        worker_id: worker_id.to_owned(),
    };
    let (kind, rest) = worker_id.split_once('.').ok_or_else(error)?;
    let name = rest.split('.').next().unwrap_or(rest);
    let plain = !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if !matches!(kind, "x" | "org") || name.is_empty() || !plain {
        return Err(error());
    }
    worker_id
        .get(..kind.len() + 1 + name.len())
        .ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_x_or_org_and_a_name() {
        assert_eq!(namespace("org.acme.summarizer.i-1"), Ok("org.acme"));
        assert_eq!(namespace("x.alice"), Ok("x.alice"));
        for none in [
            "",
            "x",
            "x.",
            "org..w",
            "com.acme.w",
            "orgacme",
            "x.a b",
            "x.a\n",
            "X.a",
        ] {
            let worker_id = none.to_owned();
            assert_eq!(namespace(none), Err(NamespaceError { worker_id }));
        }
    }
}
