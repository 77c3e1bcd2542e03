//! Positions: which entry, which epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            pub const FIRST: $name = $name(0);

            /// The one after, or `None` after the last representable one.
            pub const fn next(self) -> Option<$name> {
                match self.0.checked_add(1) {
                    Some(n) => Some($name(n)),
                    None => None,
                }
            }

            /// The one before, or `None` before the first.
            pub const fn before(self) -> Option<$name> {
                match self.0.checked_sub(1) {
                    Some(n) => Some($name(n)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

position! {
    /// The place of an entry in its log, from 0.
    Seq
}

position! {
    /// The number of an epoch in its log, from 0.
    EpochNumber
}
