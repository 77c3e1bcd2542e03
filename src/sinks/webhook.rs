//! A URL that takes batches by POST, signed as Standard Webhooks has it.
//!
//! What is signed is `id.time.body` by HMAC-SHA256 under a secret that the receiver
//! shares. The id begins with `sealbook:delivery:v1:` and has genesis, first and last
//! sequence number; it is the same whenever the same batch is tried again.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use zeroize::Zeroizing;

use super::error::SinkError;
use super::event::SinkEvent;
use super::format::SinkFormat;
use super::place::{BatchReceiver, SinkAddress};

/// The domain of what is signed.
const DOMAIN: &str = "sealbook:delivery:v1";

/// For a request, from name resolution to the end of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Of an answer, which is not looked at.
const ANSWER_BYTES: u64 = 64 << 10;

/// The secret that a receiver shares.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Of `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn parse(text: &str) -> Option<Secret> {
        let text = text.trim().strip_prefix("whsec_")?;
        let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
        (24..=64).contains(&bytes.len()).then_some(Secret(bytes))
    }

    /// The signature of a message, as the header has it.
    fn sign(&self, id: &str, time: &str, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(format!(
            "v1,{}",
            STANDARD.encode(mac.finalize().into_bytes())
        ))
    }
}

pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) agent: Agent,
    pub(super) secret: Option<Secret>,
    /// Headers of its own, such as one with a token.
    pub(super) headers: HeaderMap,
    pub(super) genesis: String,
}

impl Webhook {
    fn address(&self) -> String {
        SinkAddress::Webhook(self.url.clone()).to_string()
    }

    fn failed(&self, source: io::Error) -> SinkError {
        let to = self.address();
        SinkError::Unreachable { to, source }
    }
}

impl BatchReceiver for Webhook {
    fn longest(&self) -> usize {
        usize::MAX
    }

    fn deliver(&mut self, events: &[SinkEvent], format: SinkFormat) -> Result<(), SinkError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok(());
        };
        let body = format.body(events);
        let id = format!("{DOMAIN}:{}:{}-{}", self.genesis, first.seq, last.seq);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = now.unwrap_or_default().as_secs().to_string();
        let mut request = self
            .agent
            .post(&self.url)
            .header(CONTENT_TYPE, format.media_type())
            .header("webhook-id", &id)
            .header("webhook-timestamp", &time);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(secret) = &self.secret {
            let signature = secret.sign(&id, &time, &body).unwrap_or_default();
            request = request.header("webhook-signature", signature);
        }
        let mut answer = request
            .send(&body[..])
            .map_err(|error| self.failed(error.into_io()))?;
        let status = answer.status();
        if status.is_success() {
            // Read, so that the connection can be used again.
            let _ = answer
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES)
                .read_to_vec();
            return Ok(());
        }
        let after = answer.headers().get(RETRY_AFTER);
        Err(SinkError::Refused {
            to: self.address(),
            status: status.as_u16(),
            after: after.and_then(|after| after.to_str().ok()?.trim().parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signed = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.as_deref(), Some(expected));
    }

    #[test]
    fn a_secret_is_long_enough_and_in_base64() {
        for text in [
            "",
            "whsec_",
            "whsec_AAAA",
            "whsec_!",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
