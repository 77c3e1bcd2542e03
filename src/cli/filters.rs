//! The filters that `log` and `export` share.

use std::sync::OnceLock;

use crate::ledger::entry::Entry;
use crate::ledger::json::{Form, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::logbook::clock::{Clock as _, SystemClock};
use crate::store::Store;
use crate::store::query::Filter;
use crate::store::query::passed_over::{OtherType, PassedOver, other_types, passed_over};
use crate::store::query::when::{self, TimeEnd};
use crate::store::term::SearchField;

use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Filters {
    /// Of this kind (may be given several times)
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Not before this time: RFC 3339, a day, `yesterday`, `1h` ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after this time; a day counts to its end
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Whose tenant_id is this JSON value and no string, such as 42
    #[arg(long, value_name = "JSON", conflicts_with = "tenant")]
    tenant_json: Option<String>,
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
    pub(super) fn to_filter(&self) -> Result<Filter, CliError> {
        let now = SystemClock::new().wall();
        let time = |text: &String, end| {
            when::read(text, end, now).ok_or_else(|| CliError::Argument {
                what: "time",
                given: text.clone(),
                expected: "a time such as 2026-03-01T10:00:00Z is needed",
            })
        };
        let (tenant, tenant_json) = match self.tenant_json.as_deref().map(parse_json).transpose()? {
            Some(Value::String(tenant)) => (Some(tenant.to_string()), None),
            Some(other) => (None, Some(other.canonical(Form::Utf8))),
            None => (self.tenant.clone(), None),
        };
        Ok(Filter {
            kinds: self.kind.clone(),
            since: self
                .since
                .as_ref()
                .map(|text| time(text, TimeEnd::Since))
                .transpose()?,
            until: self
                .until
                .as_ref()
                .map(|text| time(text, TimeEnd::Until))
                .transpose()?,
            tenant,
            tenant_json,
            correlation: self.correlation.clone(),
            worker: self.worker.clone(),
            decision: self.decision.clone(),
            fact: None,
            document: None,
            denied: self.denied,
            from_seq: self.from_seq.map(Seq),
            until_seq: self.until_seq.map(Seq),
            limit: self.limit,
            reverse: self.reverse,
        })
    }
}

/// Says so if entries are passed over that have a number, say, where a text is asked for
/// that reads like it.
pub(super) fn say_other_types(
    store: &dyn Store,
    filter: &Filter,
    output: &mut Output,
) -> Result<(), CliError> {
    for passed_over in passed_over(store, filter)? {
        say_passed_over(&passed_over, output);
    }
    Ok(())
}

fn say_passed_over(passed_over: &PassedOver, output: &mut Output) {
    let PassedOver { json, seq, .. } = passed_over;
    output.warning(&match passed_over.field {
        SearchField::Tenant => format!("{passed_over}: --tenant-json {json} finds those"),
        _ => format!("{passed_over}: entry {seq} is one of those"),
    });
}

/// The same of entries that are read one by one: a replay may be of a file.
pub(super) struct OtherTypes(Vec<(OtherType, OnceLock<Seq>)>);

impl OtherTypes {
    pub(super) fn of(filter: &Filter) -> OtherTypes {
        let others = other_types(filter).into_iter();
        OtherTypes(others.map(|other| (other, OnceLock::new())).collect())
    }

    pub(super) fn look(&self, seq: Seq, entry: &Entry) {
        for (other, met) in &self.0 {
            if met.get().is_none() && other.filter.matches(seq, entry) {
                let _ = met.set(seq);
            }
        }
    }

    pub(super) fn say(self, output: &mut Output) {
        for (other, met) in self.0 {
            if let Some(seq) = met.into_inner() {
                say_passed_over(&other.at(seq), output);
            }
        }
    }
}

fn parse_json(text: &str) -> Result<Value, CliError> {
    parse(text.as_bytes()).map_err(|_| CliError::Argument {
        what: "tenant",
        given: text.to_owned(),
        expected: "JSON is needed, such as 42",
    })
}
