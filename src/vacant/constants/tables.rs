//! Constants of vacant.core that drive nothing here: values for others to agree
//! on. Each with its unit and the section that it comes from.

use crate::ledger::hexadecimal;
use crate::ledger::json::{Number, Object, Value};

/// Declares the constants, and [`table`] over all of them.
macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*

        /// Every constant of this module by its name.
        pub fn table() -> Object {
            let mut table = Object::new();
            $(table.insert(stringify!($name), $name.tabled());)*
            table
        }
    };
}

constants! {
    /// Seconds between heartbeats of an active vacant (Lifecycle, P1 D2).
    HEARTBEAT_BASE_PERIOD_S: u64 = 60;
    /// Seconds between heartbeats while hibernating (Lifecycle, P1 D6).
    HEARTBEAT_HIBERNATING_PERIOD_S: u64 = 86_400;
    /// Seconds; another name of [`HEARTBEAT_HIBERNATING_PERIOD_S`] (Lifecycle, D003).
    HEARTBEAT_DECAYED_PERIOD_S: u64 = HEARTBEAT_HIBERNATING_PERIOD_S;
    /// Seconds between custody attestations of a sunk vacant (Lifecycle, THEORY_V5 4.2).
    HEARTBEAT_SUNK_LIVENESS_PERIOD_S: u64 = 600;
    /// Seconds within which a (vacant, request) pair counts once (Lifecycle, P1 3.2).
    IDEMPOTENCY_WINDOW_S: u64 = 86_400;
    /// Days without service from hibernating to stale (Lifecycle, D001).
    STALE_AFTER_HIBERNATING_DAYS: u64 = 30;
    /// Days from sunk to archived (Lifecycle, THEORY_V5 3).
    ARCHIVED_AFTER_SUNK_DAYS: u64 = 180;
    /// Seconds of observation after stale to active (Lifecycle, P1 3.3.1).
    WARMUP_WINDOW_S: u64 = 86_400;
    /// Heartbeats that the warm-up needs (Lifecycle, P1 3.3.1).
    WARMUP_REQUIRED_HEARTBEATS: u64 = 5;
    /// Mahalanobis distance that counts as drift; a heuristic (Lifecycle, THEORY_V5 3).
    STYLO_DRIFT_THRESHOLD: f64 = 3.5;
    /// Days that a peer attestation is valid (Identity, P2 4).
    PEER_ATTESTATION_FRESHNESS_WINDOW_DAYS: u64 = 30;
    /// Peer attestations for the step from L2 to L3 (Identity, P2 2).
    MIN_VOUCHERS_FOR_L3_PROMOTION: u64 = 3;
    /// Attestation roots that must agree, at first (Identity, T4).
    FEDERATION_ROOT_THRESHOLD_MVP: u64 = 2;
    /// Attestation roots, at first (Identity, T4).
    FEDERATION_ROOT_COUNT_MVP: u64 = 5;
    /// Attestation roots that must agree, in the long run (Identity, T4).
    FEDERATION_ROOT_THRESHOLD_TARGET: u64 = 3;
    /// Attestation roots, in the long run (Identity, T4).
    FEDERATION_ROOT_COUNT_TARGET: u64 = 9;
    /// Factor on the cost of forging one entry of history (Identity, P2 3, D004 A).
    WASH_COST_FALSE_CLAIM_WEIGHT_DEFAULT: f64 = 1.0;
    /// The multicodec prefix of an Ed25519 public key (Identity).
    ED25519_MULTICODEC_PREFIX: [u8; 2] = [0xed, 0x01];
    /// Events on a page unless asked (Registry, P4 3.2).
    EVENT_LOG_DEFAULT_PAGE_SIZE: u64 = 100;
    /// Events on a page at most (Registry, P4 3.2).
    EVENT_LOG_MAX_PAGE_SIZE: u64 = 500;
    /// Change of reputation that counts as a jump (Registry, P4 3.2).
    ANOMALY_REP_JUMP_THRESHOLD: f64 = 0.4;
    /// Seconds within which it does (Registry, P4 3.2).
    ANOMALY_REP_JUMP_WINDOW_S: u64 = 60;
    /// Reviews of one target in an hour that raise a flag (Registry, P4 3.2).
    ANOMALY_REVIEW_PER_TARGET_HOUR: u64 = 5;
    /// Spawns of one parent in an hour that raise a flag (Registry, P4 3.2).
    ANOMALY_SPAWN_PER_PARENT_HOUR: u64 = 10;
    /// The registry's database in tests (Registry, D006 B).
    REGISTRY_DB_DEFAULT_URL: &'static str = "sqlite+aiosqlite:///:memory:";
    /// The five dimensions of reputation (Reputation, P3 3.2, D008 A).
    REPUTATION_DIMS: &'static [&'static str] = &["factual", "logical", "relevance", "honesty", "adoption"];
    /// Alpha and beta of each dimension's prior (Reputation, P3 3.2, D008 A).
    BETA_BASE_PRIORS: &'static [(&'static str, (f64, f64))] = &[
        ("factual", (1.0, 1.0)),
        ("logical", (1.0, 1.0)),
        ("relevance", (1.0, 1.0)),
        ("honesty", (2.0, 1.0)),
        ("adoption", (1.0, 3.0)),
    ];
    /// Days in which each dimension loses half its weight (Reputation, P3 3.2).
    DIM_HALF_LIFE_DAYS: &'static [(&'static str, u64)] = &[
        ("factual", 90),
        ("logical", 180),
        ("relevance", 60),
        ("honesty", 30),
        ("adoption", 90),
    ];
    /// Weight of each source of a judgement (Reputation, P3 3.4 table 1).
    SOURCE_BASE_WEIGHTS: &'static [(&'static str, f64)] = &[
        ("ground_truth", 1.0),
        ("caller_review", 0.6),
        ("peer_review", 0.4),
        ("self_eval", 0.05),
        ("adoption_event", 0.3),
        ("redteam_probe", 0.8),
    ];
    /// Factor on ground truth in the factual dimension (Reputation, P3 3.4).
    GROUND_TRUTH_FACTUAL_MULTIPLIER: f64 = 1.5;
    /// Gain of the gap between self-evaluation and outcome (Reputation, P3 3.4).
    SELF_EVAL_HONESTY_GAP_GAIN: f64 = 1.0;
    /// Factor on a review by the same base model (Reputation, P3 3.4.1).
    SAME_BASE_MODEL_DISCOUNT: f64 = 0.5;
    /// The same, over 5 reviews in 30 days (Reputation, P3 3.4.1).
    SAME_MODEL_HEAVY_DISCOUNT: f64 = 0.25;
    /// What any reviewer counts for at least (Reputation, P3 3.4.2).
    REVIEWER_CREDIBILITY_FLOOR: f64 = 0.3;
    /// Decay with each repeated review (Reputation, P3 3.4.3).
    NOVELTY_DECAY_COEFFICIENT: f64 = 0.4;
    /// Density of a review graph that is suspect (Reputation, P3 3.4.4).
    COLLUSION_DENSITY_THRESHOLD: f64 = 0.6;
    /// Reciprocity of a review graph that is suspect (Reputation, P3 3.4.4).
    COLLUSION_RECIPROCITY_THRESHOLD: f64 = 0.7;
    /// Density that is severe (Reputation, P3 3.4.4).
    COLLUSION_SEVERE_DENSITY: f64 = 0.8;
    /// Factor where it is severe (Reputation, P3 3.4.4).
    COLLUSION_SEVERE_MULTIPLIER: f64 = 0.1;
    /// Exploration coefficient (Reputation, P3 3.7).
    UCB_C_BASE: f64 = 1.0;
    /// Exploration coefficient of an explorer (Reputation, P3 3.7).
    UCB_C_EXPLORE: f64 = 0.5;
    /// Exploration coefficient of the cautious (Reputation, P3 3.7).
    UCB_CONSERVATIVE_C_EXPLORE: f64 = 0.1;
    /// Samples from which a score is stable (Reputation, P3 3.7).
    N_MIN_FOR_STABLE_SCORE: u64 = 30;
    /// Samples from which a score is shown (Reputation, P3 3.8).
    N_SHOW_MIN_THRESHOLD: u64 = 10;
    /// Floor of a newcomer's score by level of attestation (Reputation, P3 3.7).
    COLD_START_FLOORS_BY_LEVEL: &'static [(&'static str, f64)] = &[
        ("L0", 0.0),
        ("L1", 0.05),
        ("L2", 0.1),
        ("L3", 0.15),
    ];
    /// Reference stake, in USDC (Reputation, P3 3.7).
    S_REF_USDC: f64 = 100.0;
    /// Alpha added for an L1 attestation (Reputation, P3 3.8).
    L1_ATTESTATION_ALPHA_BOOST: f64 = 0.5;
    /// Alpha added for each L3 voucher (Reputation, P3 3.8).
    L3_VOUCH_ALPHA_BOOST: f64 = 0.3;
    /// Share of traffic kept for newcomers (Reputation, P3 3.7).
    NETWORK_EXPLORATION_FLOOR: f64 = 0.01;
    /// Seconds before adoption counts (Reputation).
    ADOPTION_SIGNAL_MIN_WINDOW_S: u64 = 86_400;
    /// Seconds after which it no longer does (Reputation).
    ADOPTION_SIGNAL_MAX_WINDOW_S: u64 = 259_200;
    /// Correlation of dimensions that is suspect (Reputation, P3 3.6).
    DIMENSION_CORRELATION_ALERT_THRESHOLD: f64 = 0.6;
    /// Bonus for serving several substrates, at most (Reputation).
    PORTABILITY_FACTOR_MAX_BONUS: f64 = 0.1;
    /// Reviews of one target in 24 hours (Review limits, P1).
    REVIEW_LIMIT_PER_TARGET_24H: u64 = 3;
    /// Reviews of one reviewer in one domain in 24 hours (Review limits, P1).
    REVIEW_LIMIT_PER_DOMAIN_24H: u64 = 20;
    /// Seconds that a reviewer remembers (target, answer) (Review limits, P1).
    PEER_REVIEW_BLOOM_TTL_S: u64 = 86_400;
    /// Epochs over which drift is summed (Lifecycle, D010 2).
    CUMULATIVE_DRIFT_WINDOW_EPOCHS: u64 = 5;
    /// Factor on [`STYLO_DRIFT_THRESHOLD`] for the sum (Lifecycle, D010 2).
    CUMULATIVE_DRIFT_THRESHOLD_MULTIPLIER: f64 = 1.5;
    /// Seconds idle from which a vacant may review newcomers (Cold start 3.6).
    IDLE_REVIEW_THRESHOLD_S: u64 = 3600;
    /// Likeness in time that suggests one controller (Reputation, T5 3.3, D008 C).
    SAME_CONTROLLER_TEMPORAL_THRESHOLD: f64 = 0.7;
    /// Likeness in behaviour that suggests one controller (Reputation, T5 3.3, D008 C).
    SAME_CONTROLLER_BEHAVIOR_THRESHOLD: f64 = 0.88;
    /// Strength of the signal where it is declared (Reputation, T5 3.3, D008 C).
    SAME_CONTROLLER_DECLARED_STRENGTH: f64 = 1.0;
    /// What a suspect reviewer still counts for; never silenced (Reputation, D015).
    SAME_SIGNAL_DISCOUNT_FLOOR: f64 = 0.1;
    /// Key of a vacant's fields in A2A metadata (P6 3.2).
    A2A_VACANT_METADATA_KEY: &'static str = "urn:vacant:v1";
    /// Seconds that a call may take (P6 3.4).
    CALL_TIMEOUT_DEFAULT_S: u64 = 60;
    /// Seconds that a registry's answer is kept (P6 3.4).
    REGISTRY_CACHE_TTL_S: u64 = 300;
    /// Graduations of one parent in 24 hours (Composite, D012 A).
    GRADUATION_RATE_LIMIT_PER_PARENT_24H: u64 = 3;
    /// Signal between parent and child that stops graduation (Composite, D012 B).
    GRADUATION_COLLUSION_THRESHOLD: f64 = 0.6;
}

trait Tabled {
    fn tabled(&self) -> Value;
}

impl Tabled for u64 {
    fn tabled(&self) -> Value {
        Value::from(*self)
    }
}

impl Tabled for f64 {
    fn tabled(&self) -> Value {
        Number::float(*self).into()
    }
}

impl Tabled for &str {
    fn tabled(&self) -> Value {
        Value::from(*self)
    }
}

impl Tabled for (f64, f64) {
    fn tabled(&self) -> Value {
        vec![self.0.tabled(), self.1.tabled()].into()
    }
}

impl Tabled for [u8; 2] {
    fn tabled(&self) -> Value {
        let mut object = Object::new();
        object.insert("hex", hexadecimal::encode(self));
        object.into()
    }
}

impl Tabled for &[&str] {
    fn tabled(&self) -> Value {
        let items: Vec<Value> = self.iter().map(Tabled::tabled).collect();
        items.into()
    }
}

impl<T: Tabled> Tabled for &[(&'static str, T)] {
    fn tabled(&self) -> Value {
        let members = self.iter().map(|(name, value)| (*name, value.tabled()));
        members.collect::<Object>().into()
    }
}
