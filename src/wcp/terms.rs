//! The closed vocabularies of WCP, each an enumeration.

use crate::ledger::words::words;

words! {
    /// Where a capability is asked for.
    pub enum Env: "one of dev, stage, prod, edge" {
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

words! {
    /// How sensitive the data is.
    pub enum DataLabel: "one of PUBLIC, INTERNAL, RESTRICTED" {
        /// For everybody.
        Public = "PUBLIC",
        /// For the organisation.
        Internal = "INTERNAL",
        /// For those who need it.
        Restricted = "RESTRICTED",
    }
}

words! {
    /// How urgent the request is.
    pub enum QoSClass: "one of P0, P1, P2, P3" {
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

words! {
    /// How far the tenant is trusted.
    pub enum TenantRisk: "one of low, medium, high" {
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
        for env in Env::ALL {
            assert_eq!(Env::parse(env.as_str()), Some(env));
            assert_eq!(Env::parse(&env.as_str().to_uppercase()), None);
        }
        assert_eq!(DataLabel::parse("public"), None);
        assert_eq!(QoSClass::parse("P4"), None);
        assert_eq!(TenantRisk::parse(""), None);
    }
}
