//! What a message is that a log's key is asked to sign: for who holds the key in the
//! place of the writer, and signs nothing else.
//!
//! The forms are those of the table in the chapter on security. They exclude each other:
//! an entry's second part is a time, a statement's is an object, and a checkpoint has no
//! 0x1f.

use super::canonical_check::is_canonical_object;
use super::entry::Entry;
use super::envelope::Purpose;
use super::key::Signature;
use super::tlog::checkpoint::CheckpointText;
use super::tlog::name::LogName;

/// What is signed to find out whether a signer gives the same bytes each time.
pub const PROBE: &[u8] = b"sealbook:probe:v1\x1fthe same bytes each time";

/// Versions of statements that there are.
const VERSIONS: [&str; 2] = ["v1", "v2"];

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// An entry's signing payload.
    Entry,
    /// A statement with its purpose.
    Statement(Purpose),
    /// A checkpoint of the public log.
    Checkpoint,
    /// [`PROBE`].
    Probe,
}

impl Message {
    /// What `message` is, if it is one that a log's key may sign. Everything else is
    /// `None`: artifact manifests and cards too, which have no domain.
    #[must_use]
    pub fn of(message: &[u8]) -> Option<Message> {
        if message == PROBE {
            return Some(Message::Probe);
        }
        if let Some(purpose) = statement(message) {
            return Some(Message::Statement(purpose));
        }
        if is_entry(message) {
            return Some(Message::Entry);
        }
        is_checkpoint(message).then_some(Message::Checkpoint)
    }
}

/// The purpose of `sealbook:<purpose>:v<n> 0x1f object`.
fn statement(message: &[u8]) -> Option<Purpose> {
    let at = message.iter().position(|byte| *byte == 0x1f)?;
    let (domain, object) = message.split_at_checked(at)?;
    let domain = std::str::from_utf8(domain)
        .ok()?
        .strip_prefix("sealbook:")?;
    let (purpose, version) = domain.split_once(':')?;
    let fits = VERSIONS.contains(&version) && is_canonical_object(object.get(1..)?);
    Purpose::parse(purpose).filter(|_| fits)
}

/// Whether it is the record of an entry but for the signature.
fn is_entry(message: &[u8]) -> bool {
    let record = [message, &[0; Signature::BYTES]].concat();
    Entry::from_record(record).is_ok_and(|entry| entry.check_payload_text().is_ok())
}

fn is_checkpoint(message: &[u8]) -> bool {
    let text = std::str::from_utf8(message).ok();
    let checkpoint = text.and_then(|text| CheckpointText::parse(text).ok());
    checkpoint.is_some_and(|checkpoint| {
        // As it is written, and by a name that no other message begins with.
        checkpoint.to_string().as_bytes() == message && checkpoint.origin.parse::<LogName>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::entry::Draft;
    use crate::ledger::envelope::signed_bytes;
    use crate::ledger::hash::Hash;
    use crate::ledger::json::Object;
    use crate::ledger::time::Timestamp;

    const TIME: &str = "2026-02-26T08:00:00+00:00";

    fn entry(kind: &str) -> Vec<u8> {
        let ts = Timestamp::parse_canonical(TIME).unwrap();
        let draft = Draft::new(kind, ts, b"{\"n\":1}", &Hash::ZERO).unwrap();
        draft.signing_payload().to_vec()
    }

    #[test]
    fn each_message_of_a_log_is_known_for_what_it_is() {
        assert_eq!(Message::of(PROBE), Some(Message::Probe));
        for kind in ["note", "sealbook:open", "sealbook:epoch:v1", "{"] {
            assert_eq!(Message::of(&entry(kind)), Some(Message::Entry), "{kind}");
        }
        let mut object = Object::new();
        for purpose in [Purpose::Epoch, Purpose::Head, Purpose::Wal, Purpose::Set] {
            let message = signed_bytes(purpose, &object);
            assert_eq!(Message::of(&message), Some(Message::Statement(purpose)));
        }
        object.insert("format", 2_u64);
        let message = signed_bytes(Purpose::Head, &object);
        assert!(message.starts_with(b"sealbook:head:v2\x1f"));
        assert_eq!(
            Message::of(&message),
            Some(Message::Statement(Purpose::Head))
        );
        let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let checkpoint = format!("log.example/a\n0\n{root}\n");
        assert_eq!(
            Message::of(checkpoint.as_bytes()),
            Some(Message::Checkpoint)
        );
    }

    #[test]
    fn what_others_chose_is_no_message_of_a_log() {
        let mut changed = entry("note");
        let last = changed.len() - 33;
        changed.insert(last, b' ');
        let head = |text: &str| [b"sealbook:head:v1\x1f", text.as_bytes()].concat();
        let refused: [&[u8]; 14] = [
            b"",
            b"hello",
            b"{\"manifest\":true}",
            &changed,
            &entry("note").get(1..).unwrap_or_default().repeat(2),
            &head(""),
            &head("{} "),
            &head("{\"b\":1,\"a\":2}"),
            &head("[]"),
            b"sealbook:head:v3\x1f{}",
            b"sealbook:nosuch:v1\x1f{}",
            b"sealbook:probe:v1\x1fother bytes",
            b"log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            b"{\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        ];
        for message in refused {
            let text = String::from_utf8_lossy(message);
            assert_eq!(Message::of(message), None, "{text}");
        }
    }
}
