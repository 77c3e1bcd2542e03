//! vacant.core (SPEC §2, §7): an identity that is a key, the logbook that it
//! signs, the card by which it announces itself, and the resident form that
//! holds them together.
//!
//! Pure: time, keys and policy are arguments. What is signed or hashed is made
//! of canonical bytes defined here, never of a serialiser's output.

pub mod constants;
pub mod crypto;

mod behavior;
mod card;
mod error;
mod identity;
mod logbook;
mod resident;
mod state;
mod substrate;

pub use behavior::BehaviorBundle;
pub use card::CapabilityCard;
pub use error::{ChainProblem, CoreError, CryptoError, HashChainError, TypeIntegrityError};
pub use identity::VacantId;
pub use logbook::{AppendError, VacantLogbook};
pub use resident::ResidentForm;
pub use state::VacantState;
pub use substrate::SubstrateSpec;
