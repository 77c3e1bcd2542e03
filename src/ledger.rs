//! The ledger, pure: bytes in, values out.

pub mod json;
pub mod members;
pub mod parse;
pub mod time;
