//! Evidence out of the ledger: proofs, bundles and reports as they are written.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entries::{find, json};
use super::params::{FilterParams, Params};
use super::passed_over::Warnings;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use super::streamed::{ChunkWriter, StreamedFile, streamed};
use crate::api::{Export, ExportFormat, Unsealed};
use crate::evidence::openings::Openings;
use crate::evidence::report::{ReportExport, export_report};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::version::Version;
use crate::store::query::Filter;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_proof, _, _>(need, Takes::Nothing, proof),
        Endpoint::new::<__path_bundle, _, _>(need, Takes::Nothing, bundle),
        Endpoint::new::<__path_report, _, _>(need, Takes::Nothing, report),
        Endpoint::new::<__path_table, _, _>(need, Takes::Nothing, table),
        Endpoint::new::<__path_epochs_table, _, _>(need, Takes::Nothing, epochs_table),
    ]
}

/// The inclusion proof of a sealed entry.
#[utoipa::path(get, path = "/v1/entries/{id}/proof", tag = "ledger",
    params(("id" = String, Path, description = "A sequence number, or 64 hex digits of a hash")),
    responses((status = 200, description = "The proof", body = Object),
        (status = 409, description = "It is not sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn proof(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let (store, giving) = (service.store(), Arc::clone(&service));
    let read = move || {
        let (seq, _) = find(&*store, &id)?;
        Ok(giving.prover.prove(&*store, seq)?.to_bytes())
    };
    Ok(json(service.pools.read(read).await?))
}

/// An evidence bundle, streamed: of a range, or with other filters of a
/// selection, which leaves out what is not sealed yet.
#[utoipa::path(get, path = "/v1/bundle", tag = "ledger",
    params(
        FilterParams,
        ("unsealed" = Option<String>, Query,
            description = "`left_out` (the default), or `refused`: then a selection of what is \
                           not sealed yet is 409"),
        ("format" = Option<String>, Query, description = "`bundle` (the default) or `logbook`"),
        ("version" = Option<u64>, Query, description = "Of the bundle's format: 1 or 2"),
        ("openings" = Option<String>, Query,
            description = "`kept` (the default): values of redactable members are opened; or \
                           `none`"),
        ("withhold" = Option<Vec<String>>, Query,
            description = "JSON pointers of redactable members that are withheld"),
        ("disclose" = Option<Vec<String>>, Query,
            description = "JSON pointers: all others are withheld")),
    responses((status = 200, description = "The bundle: JSON Lines", body = String,
            content_type = "application/x-ndjson",
            headers(("sealbook-warning" = String,
                description = "What the filter passed over: numbers in the place of texts"))),
        (status = 409, description = "Nothing of it is sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn bundle(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
) -> Result<Response, Problem> {
    let filter = params.filter()?;
    let form = Form {
        unsealed: params.word("unsealed", &LEAVE, "left_out or refused is needed")?,
        format: params.word("format", &FORMATS, "bundle or logbook is needed")?,
        version: params.word("version", &VERSIONS, "1 or 2 is needed")?,
    };
    let openings = openings(&mut params)?;
    params.finish()?;
    let warnings = Warnings::of(&service, &filter).await?;
    let file = StreamedFile {
        media_type: "application/x-ndjson",
        disposition: "attachment; filename=\"evidence.bundle\"",
    };
    let written = streamed(&service, &actor.payer(), file, move |service, out| {
        write_bundle(service, &filter, form, openings, out)
    })
    .await?;
    Ok(warnings.on(written))
}

/// The same as a Parquet table, for engines that query.
#[utoipa::path(get, path = "/v1/export.parquet", tag = "ledger",
    params(
        FilterParams),
    responses((status = 200, description = "The table of entries: Parquet", body = String,
            content_type = "application/vnd.apache.parquet",
            headers(("sealbook-warning" = String,
                description = "What the filter passed over: numbers in the place of texts"))),
        (status = 409, description = "Nothing of it is sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn table(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
) -> Result<Response, Problem> {
    let filter = params.filter()?;
    params.finish()?;
    let warnings = Warnings::of(&service, &filter).await?;
    let file = StreamedFile {
        media_type: "application/vnd.apache.parquet",
        disposition: "attachment; filename=\"entries.parquet\"",
    };
    let written = streamed(&service, &actor.payer(), file, move |service, mut out| {
        let export = Export {
            filter: &filter,
            format: ExportFormat::Bundle,
            version: Version::default(),
            openings: Openings::NONE,
            unsealed: Unsealed::LeftOut,
            no_sign: false,
            progress: &mut |_| (),
        };
        service.ledger.export_parquet(export, &mut out)?;
        Ok(out)
    })
    .await?;
    Ok(warnings.on(written))
}

/// All epoch headers as a Parquet table.
#[utoipa::path(get, path = "/v1/epochs.parquet", tag = "ledger",
    responses((status = 200, description = "The table of epochs: Parquet", body = String,
            content_type = "application/vnd.apache.parquet")))]
pub(super) async fn epochs_table(
    State(service): State<Arc<Service>>,
    actor: Actor,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let file = StreamedFile {
        media_type: "application/vnd.apache.parquet",
        disposition: "attachment; filename=\"epochs.parquet\"",
    };
    streamed(&service, &actor.payer(), file, move |service, mut out| {
        service.ledger.export_epochs(&mut out)?;
        Ok(out)
    })
    .await
}

/// The custody of a case as one web page, which carries its evidence and checks
/// itself. What is not sealed yet is left out.
#[utoipa::path(get, path = "/v1/report", tag = "ledger",
    params(("correlation" = String, Query, description = "The case's correlation id"),
        ("times" = Option<String>, Query,
            description = "`carried` (the default): with what shows between which times the \
                           entries were made, by the witnesses of the log's own policy and its \
                           second key, where it has them; or `none`")),
    responses((status = 200, description = "The report: HTML", body = String,
            content_type = "text/html",
            headers(("sealbook-warning" = String,
                description = "What the filter passed over: numbers in the place of texts"))),
        (status = 409, description = "Nothing of it is sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
) -> Result<Response, Problem> {
    let correlation = params.one("correlation")?.ok_or(Problem::Argument {
        what: "correlation",
        expected: "the correlation id of a case is needed",
    })?;
    let carries = params.word("times", &TIMES, "carried or none is needed")?;
    params.finish()?;
    let of_case = Filter {
        correlation: Some(correlation.clone()),
        ..Filter::default()
    };
    let warnings = Warnings::of(&service, &of_case).await?;
    let file = StreamedFile {
        media_type: "text/html; charset=utf-8",
        disposition: "attachment; filename=\"case.html\"",
    };
    let written = streamed(&service, &actor.payer(), file, move |service, out| {
        let ledger = &service.ledger;
        let policy = match carries {
            true => ledger.own_policy()?,
            false => None,
        };
        let times = policy.map(|policy| ledger.case_times(&correlation, policy));
        let export = ReportExport {
            version: Version::default(),
            correlation: &correlation,
            signer: Some(&*service.signer),
            revocations: &service.revocations,
            times: times.transpose()?.map(|case| case.carried),
            progress: &mut |_| (),
        };
        let (out, _) = export_report(&**service.logbook.store(), out, export)?;
        Ok(out)
    })
    .await?;
    Ok(warnings.on(written))
}

/// What a client may ask of a bundle's form.
#[derive(Clone, Copy)]
struct Form {
    unsealed: Unsealed,
    format: ExportFormat,
    version: Version,
}

/// Of each the first is meant where nothing is said.
const LEAVE: [(&str, Unsealed); 2] = [
    ("left_out", Unsealed::LeftOut),
    ("refused", Unsealed::Refused),
];
const FORMATS: [(&str, ExportFormat); 2] = [
    ("bundle", ExportFormat::Bundle),
    ("logbook", ExportFormat::Logbook),
];
const VERSIONS: [(&str, Version); 2] = [("2", Version::Two), ("1", Version::One)];

const TIMES: [(&str, bool); 2] = [("carried", true), ("none", false)];
const OPENINGS: [(&str, bool); 2] = [("kept", true), ("none", false)];

/// Which openings a client asks for.
fn openings(params: &mut Params) -> Result<Openings, Problem> {
    let kept = params.word("openings", &OPENINGS, "kept or none is needed")?;
    let mut pointers = |what: &'static str| {
        let all = params.all(what).into_iter();
        let read = all.map(|text| {
            Pointer::parse(&text).map_err(|_| Problem::Argument {
                what,
                expected: "a JSON pointer such as /customer/email is needed",
            })
        });
        read.collect::<Result<Vec<_>, _>>()
    };
    let (withheld, disclosed) = (pointers("withhold")?, pointers("disclose")?);
    Ok(match (kept, withheld.is_empty(), disclosed.is_empty()) {
        (false, _, _) => Openings::NONE,
        (true, true, true) => Openings::All,
        (true, false, true) => Openings::AllBut(withheld),
        (true, true, false) => Openings::Only(disclosed),
        (true, false, false) => {
            return Err(Problem::Argument {
                what: "disclose",
                expected: "either it or withhold is needed",
            });
        }
    })
}

fn write_bundle(
    service: &Service,
    filter: &Filter,
    form: Form,
    openings: Openings,
    out: ChunkWriter,
) -> Result<ChunkWriter, Problem> {
    let export = Export {
        filter,
        format: form.format,
        version: form.version,
        openings,
        unsealed: form.unsealed,
        no_sign: false,
        progress: &mut |_| (),
    };
    let mut out = out;
    service.ledger.export(export, &mut out)?;
    Ok(out)
}
