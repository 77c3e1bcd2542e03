//! The handbook, a chapter a module. The files lie in `src/guide` and read as well where
//! they lie.

#[doc = include_str!("guide/verification.md")]
pub mod verification {}
#[doc = include_str!("guide/security.md")]
pub mod security {}
#[doc = include_str!("guide/tour.md")]
pub mod tour {}
#[doc = include_str!("guide/commands.md")]
pub mod commands {}
#[doc = include_str!("guide/codes.md")]
pub mod codes {}
#[doc = include_str!("guide/server.md")]
pub mod server {}
#[doc = include_str!("guide/forwarding.md")]
pub mod forwarding {}
#[doc = include_str!("guide/operations.md")]
pub mod operations {}
#[doc = include_str!("guide/source.md")]
pub mod source {}
#[doc = include_str!("guide/changelog.md")]
pub mod changelog {}
