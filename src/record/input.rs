//! The request as it is recorded: without secrets, and on demand without its
//! content.

use super::document::DocumentDigest;
use crate::ledger::json::{Object, Value};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError};
use crate::wcp::blast::{FLAGS, flags};
use crate::wcp::input::RouteInput;

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

/// The request as it is recorded: every field present, `tenant_credential`
/// `null` and its SHA-256 beside it.
pub fn to_recorded(input: &RouteInput, content: RequestContent) -> Object {
    let mut object = match input.to_value() {
        Value::Object(object) => object,
        // It is one.
        _ => Object::new(),
    };
    if let Some(credential) = &input.tenant_credential {
        object.insert("tenant_credential", Value::Null);
        let digest = Sha256Digest::of(credential.as_bytes());
        object.insert(CREDENTIAL, digest.to_string());
    }
    if content == RequestContent::Digest
        && let Some(request) = object.remove("request")
    {
        object.insert(DIGEST, DocumentDigest::of(&request));
        let flags: Object = flags(&input.request).into_iter().collect();
        object.insert(REQUEST_FLAGS, flags);
    }
    object
}

pub fn from_recorded(object: &Object) -> Result<RecordedInput, MemberError> {
    let mut rest = object.clone();
    let mut whole = true;
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
