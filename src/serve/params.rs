//! The query of a request: every parameter known, each given once.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::ledger::json::{Form, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::logbook::clock::{Clock as _, SystemClock};
use crate::store::query::Filter;
use crate::store::query::when::{self, TimeEnd};

/// The parameters, to be taken out one by one.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

/// The filters, of a path's query or of a body.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilterParams {
    /// Any of these kinds
    kind: Option<Vec<String>>,
    /// Not before this time: RFC 3339, a day, `yesterday`, `1h` ago
    since: Option<String>,
    /// Not after this time; a day counts to its end
    until: Option<String>,
    tenant: Option<String>,
    /// A `tenant_id` that is not a string, as JSON
    tenant_json: Option<String>,
    correlation: Option<String>,
    worker: Option<String>,
    decision: Option<String>,
    denied: Option<bool>,
    from_seq: Option<u64>,
    until_seq: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let pairs = pairs.map_err(|error| Problem::Query {
            detail: error.body_text(),
        });
        Ok(Params(pairs?.0))
    }
}

impl Params {
    /// All values of a parameter that may be given several times.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let (found, others) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(key, _)| key == name);
        self.0 = others;
        found.into_iter().map(|(_, value)| value).collect()
    }

    pub(super) fn one(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        let value = values.pop();
        match values.is_empty() {
            true => Ok(value),
            false => Err(refused(name, "it may be given once")),
        }
    }

    /// A parameter that is something else than text.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Problem> {
        let value = self.one(name)?;
        let parsed = value.map(|text| text.parse().map_err(|_| refused(name, expected)));
        parsed.transpose()
    }

    /// A number between two others, or `default`.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
        expected: &'static str,
    ) -> Result<u64, Problem> {
        let number = self.parsed(name, expected)?.unwrap_or(default);
        match range.contains(&number) {
            true => Ok(number),
            false => Err(refused(name, expected)),
        }
    }

    /// A parameter that is one of several words; the first of them where nothing is
    /// said.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T); 2],
        expected: &'static str,
    ) -> Result<T, Problem> {
        let [usual, _] = words;
        let Some(given) = self.one(name)? else {
            return Ok(usual.1);
        };
        let found = words.iter().find(|(word, _)| *word == given);
        found
            .map(|(_, meant)| *meant)
            .ok_or(refused(name, expected))
    }

    /// The filters of SPEC §6, but for limit and order.
    pub(super) fn filter(&mut self) -> Result<Filter, Problem> {
        let seq = "a sequence number is needed";
        let given = FilterParams {
            kind: Some(self.all("kind")),
            since: self.one("since")?,
            until: self.one("until")?,
            tenant: self.one("tenant")?,
            tenant_json: self.one("tenant_json")?,
            correlation: self.one("correlation")?,
            worker: self.one("worker")?,
            decision: self.one("decision")?,
            denied: self.parsed("denied", "true or false is needed")?,
            from_seq: self.parsed("from_seq", seq)?,
            until_seq: self.parsed("until_seq", seq)?,
        };
        given.into_filter()
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::Query {
                detail: format!("\"{name}\" is not a parameter of this path"),
            }),
        }
    }
}

impl FilterParams {
    /// The filters in a body. One that is given and says nothing would widen what is
    /// found, and is refused.
    pub(super) fn read(query: &Value) -> Result<Filter, Problem> {
        let says_nothing = |value: &Value| match value {
            Value::Array(values) => values.is_empty(),
            value => *value == Value::Null,
        };
        let Value::Object(filters) = query else {
            return Err(refused("query", "filters by their names are needed"));
        };
        if filters.iter().any(|(_, value)| says_nothing(value)) {
            return Err(refused(
                "query",
                "a filter that is given has to say something",
            ));
        }
        let given: FilterParams = shape::read(query, "query")?;
        given.into_filter()
    }

    fn into_filter(self) -> Result<Filter, Problem> {
        Ok(Filter {
            kinds: self.kind.unwrap_or_default(),
            since: time("since", self.since, TimeEnd::Since)?,
            until: time("until", self.until, TimeEnd::Until)?,
            tenant: self.tenant,
            tenant_json: self.tenant_json.map(tenant_json).transpose()?,
            correlation: self.correlation,
            worker: self.worker,
            decision: self.decision,
            denied: self.denied,
            from_seq: self.from_seq.map(Seq),
            until_seq: self.until_seq.map(Seq),
            ..Filter::default()
        })
    }
}

fn time(
    name: &'static str,
    text: Option<String>,
    end: TimeEnd,
) -> Result<Option<Timestamp>, Problem> {
    let expected = "a time such as 2026-03-01T10:00:00Z is needed";
    let now = SystemClock::new().wall();
    let read = |text: String| when::read(&text, end, now).ok_or(refused(name, expected));
    text.map(read).transpose()
}

/// Canonical, and a string only by `tenant`.
fn tenant_json(text: String) -> Result<String, Problem> {
    match parse(text.as_bytes()) {
        Ok(value) if value.as_str().is_none() => Ok(value.canonical(Form::Utf8)),
        _ => Err(refused(
            "tenant_json",
            "JSON that is not a string is needed",
        )),
    }
}

fn refused(what: &'static str, expected: &'static str) -> Problem {
    Problem::Argument { what, expected }
}
