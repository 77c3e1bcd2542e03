//! The filters that `log` and `export` share.

use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::store::query::Filter;

use super::error::CliError;

#[derive(Debug, clap::Args)]
pub(super) struct Filters {
    /// Of this kind (may be given several times)
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Not before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// With this correlation id
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Naming this worker or worker species
    #[arg(long, value_name = "ID")]
    worker: Option<String>,
    /// With this decision id
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// Denied; with =false, not denied
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    denied: Option<bool>,
    /// From this sequence number on
    #[arg(long, value_name = "SEQ")]
    from_seq: Option<u64>,
    /// Up to this sequence number
    #[arg(long, value_name = "SEQ")]
    until_seq: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Newest first
    #[arg(long)]
    reverse: bool,
}

impl Filters {
    /// The filter of the query.
    pub(super) fn to_filter(&self) -> Result<Filter, CliError> {
        Ok(Filter {
            kinds: self.kind.clone(),
            since: self.since.as_deref().map(time).transpose()?,
            until: self.until.as_deref().map(time).transpose()?,
            tenant: self.tenant.clone(),
            correlation: self.correlation.clone(),
            worker: self.worker.clone(),
            decision: self.decision.clone(),
            document: None,
            denied: self.denied,
            from_seq: self.from_seq.map(Seq),
            until_seq: self.until_seq.map(Seq),
            limit: self.limit,
            reverse: self.reverse,
        })
    }

    /// The range, if nothing but a range is asked for.
    pub(super) fn range(&self) -> Option<(Seq, Seq)> {
        let others = !self.kind.is_empty()
            || self.denied.is_some()
            || self.limit.is_some()
            || self.reverse
            || [
                &self.since,
                &self.until,
                &self.tenant,
                &self.correlation,
                &self.worker,
            ]
            .into_iter()
            .chain([&self.decision])
            .any(Option::is_some);
        let first = Seq(self.from_seq.unwrap_or(0));
        let last = Seq(self.until_seq.unwrap_or(u64::MAX));
        (!others).then_some((first, last))
    }
}

fn time(text: &str) -> Result<Timestamp, CliError> {
    Timestamp::parse(text).map_err(|_| CliError::Argument {
        what: "time",
        given: text.to_owned(),
        expected: "a time such as 2026-03-01T10:00:00Z is needed",
    })
}
