//! The last entry of a book that another one continues.

use super::json::Object;
use super::key::PublicKey;
use super::members::{MemberError, Members};

/// The payload of `sealbook:close`: `{"successor": hex}`. Nothing may follow the
/// entry that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The key of the book that continues this one.
    pub successor: PublicKey,
}

impl Closing {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_object(object: &Object) -> Result<Closing, MemberError> {
        let mut members = Members::of_object(object, "payload");
        let closing = Closing {
            successor: PublicKey::from_bytes(members.hex("successor")?),
        };
        members.finish()?;
        Ok(closing)
    }

    /// The inverse of [`Closing::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("successor", self.successor.to_string());
        object
    }
}
