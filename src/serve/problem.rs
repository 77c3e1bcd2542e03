//! What is answered instead of an answer: a status, `{"error", "code"}`, and
//! where it helps when to come again.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use super::scope::Scope;
use crate::api;
use crate::codes;
use crate::evidence::EvidenceError;
use crate::ledger::hexadecimal::HexError;
use crate::ledger::parse::ParseError;
use crate::ledger::shape::MemberError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::record::RecordError;
use crate::store::StoreError;
use crate::store::query::QueryError;

/// Why a request has no answer, or the answer no.
#[derive(Debug, Error)]
pub(super) enum Problem {
    #[error("the body is not JSON: {0}")]
    Json(#[from] ParseError),
    #[error("{0}")]
    Member(#[from] MemberError),
    #[error("the query: {detail}")]
    Query { detail: String },
    #[error("{what}: {expected}")]
    Argument {
        what: &'static str,
        expected: &'static str,
    },
    #[error("entry {index}: {problem}")]
    InBatch { index: usize, problem: Box<Problem> },
    #[error("a batch has 1 to {most} entries")]
    BatchSize { most: usize },
    #[error("the content is not a logbook, bundle or proof")]
    NotRecognised,
    #[error("the content is of a version that this server does not know")]
    FormatUnsupported,
    #[error("there is nothing to seal")]
    NothingToSeal,
    #[error("this server writes the log already")]
    NotStandingBy,
    #[error("this server publishes its log nowhere")]
    PublishesNowhere,
    #[error("this server publishes its log into another folder")]
    PublishesElsewhere,
    #[error("the payload may not bring `_actor`: the server adds it")]
    BringsActor,
    #[error("worker record: {0}")]
    Record(#[from] crate::wcp::record::WorkerRecordError),
    #[error("a token is needed")]
    TokenNeeded,
    #[error("the token is not valid")]
    TokenInvalid,
    #[error("the token does not allow `{needed}`")]
    ScopeMissing { needed: Scope },
    #[error("this is for the server's own user, through its socket")]
    NotLocal,
    #[error("`{needed}` needs a token, and this server has no token file")]
    NoTokens { needed: Scope },
    #[error("this server is not asked by the name in the Host header")]
    HostRefused,
    #[error("requests from pages of another origin are refused")]
    OriginRefused,
    #[error("the content type must be {expected}")]
    ContentType { expected: &'static str },
    #[error("the content encoding must be gzip or identity")]
    ContentEncoding,
    #[error("it is not a request of OpenTelemetry: {detail}")]
    #[cfg(feature = "otlp")]
    Telemetry { detail: String },
    #[error("there is nothing here")]
    NoSuchRoute,
    #[error("this method is not for this path")]
    MethodNotAllowed,
    #[error("nothing was found")]
    NotFound,
    #[error("entry {seq} is not sealed yet")]
    NotSealed { seq: u64 },
    #[error("the body is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the body did not come in time")]
    BodyTooSlow,
    #[error("the body could not be read")]
    BodyBroken,
    #[error("this {what} was used with another body")]
    KeyReused { what: &'static str },
    #[error("a request with this Idempotency-Key is under way")]
    KeyUnderWay,
    #[error("too many requests")]
    TooManyRequests { retry_after: u32 },
    #[error("the server has more to do than it can")]
    Busy,
    #[error("the server has more connections than it can")]
    TooManyConnections,
    #[error("it is not a request of HTTP/1.1")]
    NotHttp,
    #[error("the target of the request is too long")]
    UriTooLong,
    #[error("the head of the request is too long, or has too many lines")]
    HeadTooLarge,
    #[error("the disk is nearly full: nothing is recorded")]
    DiskLow,
    #[error("the server is stopping")]
    Stopping,
    #[error("the answer took too long; whether something was recorded is not known")]
    TimedOut,
    #[error("verifying it takes more than this server gives: use `sealbook verify`")]
    TooMuchWork,
    #[error("the decision was resolved already")]
    AlreadyResolved,
    #[error("this decision does not want a human")]
    NotPending,
    #[error("{0}")]
    NotErasable(api::Error),
    #[error("what would be erased is not what was confirmed: nothing is erased")]
    PlanChanged,
    #[error("more than {most} members would be erased: nothing is erased")]
    TooManyMembers { most: usize },
    #[error(transparent)]
    Logbook(#[from] LogbookError),
    #[error(transparent)]
    Recording(RecordError),
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Search(#[from] QueryError),
    #[error(transparent)]
    Evidence(EvidenceError),
    #[error(transparent)]
    Failed(api::Error),
    #[error("no randomness to be had")]
    Randomness,
    #[error("the work was given up")]
    Abandoned,
}

/// What is sent in the place of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// What is wrong, for people.
    error: String,
    /// What is wrong, for programs.
    code: &'static str,
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        let status = codes::find(self.code()).http_status;
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) fn code(&self) -> &'static str {
        use crate::wcp::record::WorkerRecordError as WorkerError;
        match self {
            Problem::InBatch { problem, .. } => problem.code(),
            Problem::Json(_) => "bad_json",
            Problem::Member(_) | Problem::BringsActor | Problem::BatchSize { .. } => "bad_input",
            Problem::NotRecognised => "not_recognised",
            Problem::FormatUnsupported => "format_unsupported",
            Problem::NothingToSeal => "nothing_to_seal",
            Problem::NotErasable(_) => "not_erasable",
            Problem::PlanChanged => "plan_changed",
            Problem::NotStandingBy => "not_standing_by",
            Problem::PublishesNowhere | Problem::PublishesElsewhere => "publishes_elsewhere",
            Problem::Record(WorkerError::Tampered { .. }) => "DENY_WORKER_TAMPERED",
            Problem::Record(_) => "bad_input",
            Problem::Query { .. } => "bad_query",
            Problem::Argument { .. } => "bad_input",
            #[cfg(feature = "otlp")]
            Problem::Telemetry { .. } => "bad_input",
            Problem::TokenNeeded => "token_needed",
            Problem::TokenInvalid => "token_invalid",
            Problem::ScopeMissing { .. } => "scope_missing",
            Problem::NotLocal => "not_local",
            Problem::NoTokens { .. } => "no_tokens",
            Problem::HostRefused => "host_refused",
            Problem::OriginRefused => "origin_refused",
            Problem::ContentType { .. } => "content_type",
            Problem::ContentEncoding => "content_encoding",
            Problem::NoSuchRoute | Problem::NotFound => "not_found",
            Problem::MethodNotAllowed => "method_not_allowed",
            Problem::NotSealed { .. } => "not_sealed",
            Problem::TooLarge { .. } => "too_large",
            Problem::TooMuchWork | Problem::TooManyMembers { .. } => "too_much_work",
            Problem::BodyTooSlow => "body_too_slow",
            Problem::BodyBroken => "body_broken",
            Problem::KeyReused { .. } => "idempotency_key_reused",
            Problem::KeyUnderWay => "idempotency_key_under_way",
            Problem::TooManyRequests { .. } => "too_many_requests",
            Problem::Busy | Problem::TooManyConnections => "busy",
            Problem::NotHttp => "not_http",
            Problem::UriTooLong => "uri_too_long",
            Problem::HeadTooLarge => "head_too_large",
            Problem::DiskLow => "disk_low",
            Problem::Stopping => "stopping",
            Problem::TimedOut => "timed_out",
            Problem::AlreadyResolved => "already_resolved",
            Problem::NotPending => "not_pending",
            Problem::Logbook(error) => code_of_append(error),
            Problem::Recording(error) => match error {
                RecordError::TooLarge { .. } => "too_large",
                RecordError::TooDeep { .. } => "bad_input",
                RecordError::Logbook(error) => code_of_append(error),
                _ => "store_corrupt",
            },
            Problem::Ledger(_) | Problem::Search(_) | Problem::Evidence(_) => "store_corrupt",
            Problem::Failed(error) => error.code(),
            Problem::Randomness | Problem::Abandoned => "internal",
        }
    }

    fn body(&self) -> ErrorBody {
        ErrorBody {
            error: self.to_string(),
            code: self.code(),
        }
    }

    /// The bytes of an answer that is made without a request that could be read, after
    /// which the connection ends.
    pub(super) fn to_last_answer(&self) -> Vec<u8> {
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let retry = self.retry_after();
        let retry = retry.map_or_else(String::new, |it| format!("retry-after: {it}\r\n"));
        let (status, length) = (self.status(), body.len());
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{retry}\
             cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.into_bytes(), body].concat()
    }

    /// Seconds after which it is worth another try.
    fn retry_after(&self) -> Option<u32> {
        match self {
            Problem::TooManyRequests { retry_after } => Some(*retry_after),
            Problem::Busy
            | Problem::TooManyConnections
            | Problem::KeyUnderWay
            | Problem::Logbook(LogbookError::Busy) => Some(1),
            Problem::Stopping | Problem::TimedOut => Some(5),
            Problem::DiskLow => Some(60),
            _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(60),
        }
    }
}

fn code_of_append(error: &LogbookError) -> &'static str {
    match error {
        LogbookError::Entry(_) => "bad_input",
        LogbookError::ReservedKind { .. } => "reserved_kind",
        LogbookError::Redact(_) => "not_redactable",
        LogbookError::NoOpenings | LogbookError::Store(StoreError::VersionsUnknown { .. }) => {
            "versions_unknown"
        }
        LogbookError::Busy => "busy",
        LogbookError::Closed => "closed",
        LogbookError::Store(error) if error.is_full() => "disk_full",
        LogbookError::Store(StoreError::ObjectLocked { .. }) => "object_locked",
        LogbookError::Store(StoreError::NotErased { .. }) => "not_erased",
        LogbookError::Store(StoreError::Corrupt { .. }) | LogbookError::Terms(_) => "store_corrupt",
        LogbookError::Store(StoreError::Fenced { .. }) => "fenced",
        LogbookError::Store(StoreError::Record { .. }) => "bucket_failed",
        LogbookError::Store(StoreError::TooMuch { .. }) => "too_large",
        LogbookError::Store(_) | LogbookError::Mark(_) => "write_failed",
        LogbookError::Sign(_) => "sign_failed",
        LogbookError::Clocks(_) => "clocks_parted",
        LogbookError::Stopped => "stopped",
        LogbookError::StandingBy => "standing_by",
        LogbookError::Server(refusal) => refusal.code,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(error = %self, code = self.code(), "a request failed");
        }
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Problem {
        match error {
            RecordError::Search(error) => Problem::Search(error),
            other => Problem::Recording(other),
        }
    }
}

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Problem {
        match error {
            EvidenceError::NoSuchEntry { .. } | EvidenceError::EmptyRange => Problem::NotFound,
            EvidenceError::NotSealed { seq } | EvidenceError::SelectionNotSealed { seq } => {
                Problem::NotSealed { seq: seq.0 }
            }
            other => Problem::Evidence(other),
        }
    }
}

impl From<api::Error> for Problem {
    fn from(error: api::Error) -> Problem {
        match error {
            api::Error::NoSuchEntry { .. } => Problem::NotFound,
            error @ api::Error::NotErasable { .. } => Problem::NotErasable(error),
            api::Error::NotRecognised { .. } => Problem::NotRecognised,
            api::Error::Open(error) => Problem::Ledger(error),
            api::Error::Append(error) => Problem::Logbook(error),
            api::Error::Query(error) => Problem::Search(error),
            api::Error::Evidence(error) => error.into(),
            api::Error::Record(error) => error.into(),
            other => Problem::Failed(other),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::Ledger(OpenError::Store(error))
    }
}

impl From<HexError> for Problem {
    fn from(_: HexError) -> Problem {
        Problem::Argument {
            what: "hash",
            expected: "64 lower-case hex digits are needed",
        }
    }
}
