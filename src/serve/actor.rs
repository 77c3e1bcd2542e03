//! On whose behalf a request came in.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::peer::{Local, Peer};
use super::problem::Problem;
use super::rate::Payer;
use super::scope::Scope;
use super::token_file::KeptToken;
use crate::api;
use crate::ledger::json::{Object, Value};
use crate::record::outcome::ACTOR;

/// Who sent a request, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    peer: Peer,
    /// The name of the token, and whose it is.
    token: Option<(String, String)>,
    /// What it may do beside what was asked for.
    scopes: Vec<Scope>,
}

impl Actor {
    /// Of the caller that presents `kept`, or of nobody in particular.
    pub(super) fn new(peer: Peer, kept: Option<KeptToken>) -> Actor {
        let scopes = match (&kept, peer.local) {
            (Some(kept), _) => kept.scopes.clone(),
            (None, Some(local)) if local.owns => Scope::ALL.to_vec(),
            (None, Some(_)) => Scope::OF_A_GROUP.to_vec(),
            (None, None) => Scope::WITHOUT_TOKENS.to_vec(),
        };
        Actor {
            peer,
            token: kept.map(|kept| (kept.id, kept.name)),
            scopes,
        }
    }

    /// Whether it may do this, too.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whom idempotency keys belong to.
    pub(super) fn key_owner(&self) -> String {
        match (&self.token, self.peer.local) {
            (Some((id, _)), _) => id.clone(),
            (None, Some(local)) => format!("uid {}", local.uid),
            (None, None) => String::new(),
        }
    }

    /// Whether it came through the socket, and of one who owns the ledger.
    pub(super) const fn local(&self) -> Option<Local> {
        self.peer.local
    }

    /// The token's name, if one was needed.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|(id, _)| id.as_str())
    }

    pub(super) fn payer(&self) -> Payer {
        match &self.token {
            Some((id, _)) => Payer::Token(id.clone()),
            None => self.peer.payer(),
        }
    }

    /// What an entry says of it: `{"token", "name", "certificate", "address"}`,
    /// each `null` where there is none; through the socket `{"via", "uid", "user",
    /// "host"}`.
    pub(super) fn to_value(&self) -> Value {
        if let Some(local) = self.peer.local {
            return api::actor::user("socket", local.uid);
        }
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

    /// Puts it into a payload, which must not bring it. What came through the socket
    /// stays byte for byte, as when its sender holds the ledger itself.
    pub(super) fn sign_in(&self, payload: &mut Object) -> Result<(), Problem> {
        match self.peer.local {
            Some(local) if local.owns => return Ok(()),
            Some(_) if payload.get(ACTOR).is_some() => return Err(Problem::BringsActor),
            Some(_) => return Ok(()),
            None => {}
        }
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
            (None, None) => match self.peer.local {
                Some(local) => format!("uid {}", local.uid),
                None => self.peer.address.ip().to_string(),
            },
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
