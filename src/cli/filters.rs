//! The filters that `log` and `export` share.

use crate::ledger::json::{Form, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::logbook::clock::{Clock as _, SystemClock};
use crate::store::Store;
use crate::store::query::when::{self, TimeEnd};
use crate::store::query::{Filter, select};

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
            document: None,
            denied: self.denied,
            from_seq: self.from_seq.map(Seq),
            until_seq: self.until_seq.map(Seq),
            limit: self.limit,
            reverse: self.reverse,
        })
    }

    /// Says so if entries are passed over whose `tenant_id` reads like the tenant
    /// that is asked for and is not a string.
    pub(super) fn say_other_types(
        &self,
        store: &dyn Store,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let Some(tenant) = self.tenant.as_deref() else {
            return Ok(());
        };
        let json = match parse(tenant.as_bytes()) {
            Ok(value) if value.as_str().is_none() => value.canonical(Form::Utf8),
            _ => return Ok(()),
        };
        let others = Filter {
            tenant: None,
            tenant_json: Some(json.clone()),
            limit: Some(1),
            ..self.to_filter()?
        };
        if select(store, &others)?.next().transpose()?.is_some() {
            output.warning(&format!(
                "entries whose tenant_id is the JSON value {json} and not the string \"{tenant}\" \
                 are not among them: --tenant-json {json} finds those"
            ));
        }
        Ok(())
    }
}

fn parse_json(text: &str) -> Result<Value, CliError> {
    parse(text.as_bytes()).map_err(|_| CliError::Argument {
        what: "tenant",
        given: text.to_owned(),
        expected: "JSON is needed, such as 42",
    })
}
