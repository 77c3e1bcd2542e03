//! The closed vocabularies of WCP, each an enumeration.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::ledger::shape;

/// Makes an enumeration whose members have one spelling each.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident, $expected:literal, { $($(#[$member_doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$member_doc])* $member,)+
        }

        impl $name {
            /// Every member, in the order of the specification.
            pub const ALL: &'static [$name] = &[$($name::$member,)+];

            /// What a value should have been, for error messages.
            pub const EXPECTED: &'static str = $expected;

            /// The one spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$member => $text,)+
                }
            }

            /// The member that is spelt so; upper and lower case differ.
            pub fn parse(text: &str) -> Option<$name> {
                match text {
                    $($text => Some($name::$member),)+
                    _ => None,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'v> Deserialize<'v> for $name {
            fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<$name, D::Error> {
                shape::read_text(deserializer, $name::EXPECTED, $name::parse)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// Where a capability is asked for.
    Env, "one of dev, stage, prod, edge", {
        /// A developer's own.
        Dev = "dev",
        /// A rehearsal of production.
        Stage = "stage",
        /// Production.
        Prod = "prod",
        /// Production outside the data centre.
        Edge = "edge",
    }
}

impl Env {
    /// Whether the stricter rules for production hold: `prod` and `edge`.
    pub const fn is_production(self) -> bool {
        matches!(self, Env::Prod | Env::Edge)
    }
}

vocabulary! {
    /// How sensitive the data is.
    DataLabel, "one of PUBLIC, INTERNAL, RESTRICTED", {
        /// For everybody.
        Public = "PUBLIC",
        /// For the organisation.
        Internal = "INTERNAL",
        /// For those who need it.
        Restricted = "RESTRICTED",
    }
}

vocabulary! {
    /// How urgent the request is.
    QoSClass, "one of P0, P1, P2, P3", {
        /// The highest priority.
        P0 = "P0",
        /// High priority.
        P1 = "P1",
        /// Normal priority.
        P2 = "P2",
        /// In the background.
        P3 = "P3",
    }
}

vocabulary! {
    /// How far the tenant is trusted.
    TenantRisk, "one of low, medium, high", {
        /// Known and well-behaved.
        Low = "low",
        /// Neither.
        Medium = "medium",
        /// To be watched.
        High = "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_reads_back_from_its_spelling_only() {
        for &env in Env::ALL {
            assert_eq!(Env::parse(env.as_str()), Some(env));
            assert_eq!(Env::parse(&env.as_str().to_uppercase()), None);
        }
        assert_eq!(DataLabel::parse("public"), None);
        assert_eq!(QoSClass::parse("P4"), None);
        assert_eq!(TenantRisk::parse(""), None);
    }
}
