//! The request as it is recorded: without secrets, and on demand without its
//! content.

use serde::Serialize;

use super::document::DocumentDigest;
use crate::ledger::json::{Number, Object, Value};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError};
use crate::wcp::blast::{FLAGS, flags};
use crate::wcp::input::RouteInput;
use crate::wcp::terms::{DataLabel, Env, QoSClass, TenantRisk};

/// What is recorded of a request's `request`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestContent {
    #[default]
    Whole,
    /// Its digest and the four flags that the blast score depends on. Of
    /// content that can be guessed a digest hides nothing.
    Digest,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordedInput {
    pub input: RouteInput,
    /// Whether that is all of it, so that its hash can be computed again.
    pub whole: bool,
}

const CREDENTIAL: &str = "tenant_credential_sha256";

/// Instead of `request`.
const DIGEST: &str = "request_digest";

/// Beside the digest.
const REQUEST_FLAGS: &str = "request_flags";

/// The request as it is recorded, in canonical order: what it leaves out stands for
/// nothing, as in a request.
#[derive(Serialize)]
pub(super) struct InputWritten<'i> {
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_radius: Option<&'i Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_score: Option<&'i Number>,
    capability_id: &'i str,
    correlation_id: &'i str,
    data_label: DataLabel,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    env: Env,
    #[serde(skip_serializing_if = "Option::is_none")]
    privilege_context: Option<&'i Object>,
    qos_class: QoSClass,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'i Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_digest: Option<DocumentDigest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_flags: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_credential_sha256: Option<Sha256Digest>,
    tenant_id: &'i str,
    tenant_risk: TenantRisk,
}

impl<'i> InputWritten<'i> {
    pub(super) fn of(input: &'i RouteInput, content: RequestContent) -> InputWritten<'i> {
        let whole = content == RequestContent::Whole;
        let hidden = (!whole).then_some(&input.request);
        let credential = input.tenant_credential.as_ref();
        InputWritten {
            blast_radius: input.blast_radius.as_ref(),
            blast_score: input.blast_score.as_ref(),
            capability_id: &input.capability_id,
            correlation_id: &input.correlation_id,
            data_label: input.data_label,
            dry_run: input.dry_run.then_some(true),
            env: input.env,
            privilege_context: input.privilege_context.as_ref(),
            qos_class: input.qos_class,
            request: Some(&input.request).filter(|request| whole && !request.is_empty()),
            request_digest: hidden.map(|it| DocumentDigest::of(&Value::Object(it.clone()))),
            request_flags: hidden.map(|request| flags(request).into_iter().collect()),
            tenant_credential_sha256: credential.map(|it| Sha256Digest::of(it.as_bytes())),
            tenant_id: &input.tenant_id,
            tenant_risk: input.tenant_risk,
        }
    }
}

pub fn from_recorded(object: &Object) -> Result<RecordedInput, MemberError> {
    let mut whole = true;
    let plain = ![CREDENTIAL, DIGEST, REQUEST_FLAGS]
        .iter()
        .any(|name| object.contains_key(name));
    // Most requests are recorded as they came.
    if plain && let Ok(input) = shape::read_object::<RouteInput>(object, "") {
        return Ok(RecordedInput { input, whole });
    }
    let mut rest = object.clone();
    if shape::member_or_none::<Sha256Digest>(object, CREDENTIAL)?.is_some() {
        rest.remove(CREDENTIAL);
        whole = false;
    }
    if object.contains_key(DIGEST) {
        shape::member::<DocumentDigest>(object, DIGEST)?;
        let recorded = shape::member_object(object, REQUEST_FLAGS)?;
        let request = set_flags(recorded).map_err(|error| error.inside(REQUEST_FLAGS))?;
        rest.remove(DIGEST);
        rest.remove(REQUEST_FLAGS);
        rest.insert("request", request);
        whole = false;
    }
    // A blank tenant is denied, not malformed, where the request was made in
    // memory.
    let tenant = shape::member(object, "tenant_id")?;
    rest.insert("tenant_id", "recorded");
    let mut input = RouteInput::read(&Value::Object(rest), "")?;
    input.tenant_id = tenant;
    Ok(RecordedInput { input, whole })
}

/// The flags that are set, of a request that only its digest is known of.
fn set_flags(recorded: &Object) -> Result<Object, MemberError> {
    let mut request = Object::new();
    for flag in FLAGS {
        if shape::member(recorded, flag)? {
            request.insert(flag, true);
        }
    }
    shape::only(recorded, &FLAGS)?;
    Ok(request)
}
