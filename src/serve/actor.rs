//! On whose behalf a request came in.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::connection::Peer;
use super::problem::Problem;
use super::rate::Payer;
use crate::ledger::json::{Object, Value};
use crate::record::outcome::ACTOR;

/// Who sent a request, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    peer: Peer,
    /// The name of the token, and whose it is.
    token: Option<(String, String)>,
}

impl Actor {
    pub(super) const fn new(peer: Peer, token: Option<(String, String)>) -> Actor {
        Actor { peer, token }
    }

    pub(super) fn token_id(&self) -> &str {
        self.token.as_ref().map_or("", |(id, _)| id)
    }

    /// The token's name, if one was needed.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|(id, _)| id.as_str())
    }

    pub(super) fn payer(&self) -> Payer {
        match &self.token {
            Some((id, _)) => Payer::Token(id.clone()),
            None => Payer::Address(self.peer.address.ip()),
        }
    }

    /// What an entry says of it: `{"token", "name", "certificate", "address"}`,
    /// each `null` where there is none.
    pub(super) fn to_value(&self) -> Value {
        let token = self.token.as_ref();
        let certificate = self.peer.certificate.map(|digest| digest.to_string());
        let members: Object = [
            ("token", Value::from(token.map(|(id, _)| id.as_str()))),
            ("name", Value::from(token.map(|(_, name)| name.as_str()))),
            ("certificate", Value::from(certificate)),
            ("address", Value::from(self.peer.address.ip().to_string())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }

    /// Puts it into a payload, which must not bring it.
    pub(super) fn sign_in(&self, payload: &mut Object) -> Result<(), Problem> {
        match payload.insert(ACTOR, self.to_value()) {
            None => Ok(()),
            Some(_) => Err(Problem::BringsActor),
        }
    }

    /// Who it is in one line, for what is asked of a person.
    pub(super) fn name(&self) -> String {
        match (&self.token, &self.peer.certificate) {
            (Some((id, name)), _) if name.is_empty() => format!("token {id}"),
            (Some((id, name)), _) => format!("{name} (token {id})"),
            (None, Some(certificate)) => format!("certificate {certificate}"),
            (None, None) => self.peer.address.ip().to_string(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Actor, Problem> {
        // The guard has put it there.
        let actor = parts.extensions.get().cloned();
        actor.ok_or(Problem::Abandoned)
    }
}
