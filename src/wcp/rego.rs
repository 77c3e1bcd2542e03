//! A policy gate written in Rego.
//!
//! The policy answers `data.wcp.gate` with an object of `decision`,
//! `policy_version` and `reason`: a rule `gate` of `package wcp`, or a
//! `package wcp.gate` with a rule for each, which is the same to Rego. `input` is
//! the [`GateContext`]. It can read no
//! clock, network, random number or host, so that the same request always gets
//! the same answer, and an auditor can run it again.
//!
//! Two fences stand around it. A counted budget, of instructions and of the bytes
//! of the values that it touches, ends a policy at the same place on every
//! machine; it is a part of what is recorded of the policy. Behind it stands a
//! process of its own with hard limits ([`FencedGate`](fenced::FencedGate)), for
//! what no count sees: what an expression takes to be compiled, how deep values
//! nest, a fault of the engine. Where that ends a policy is not the same
//! everywhere, and is never taken for a difference.

mod builtins;
pub mod evaluator;
pub mod fenced;
mod guarded;
mod meter;
mod nesting;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Once};
use std::time::{Duration, Instant};

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};
use regorus::{Engine, Value as RegoValue};

use self::guarded::{Unguardable, guarded};
use super::gate::{GateAnswer, GateContext, GateError, PolicyGate, Rerun};
use crate::ledger::json::{Form, Value};
use crate::ledger::parse::parse;

pub const ENTRYPOINT: &str = "data.wcp.gate";

const DECISION: &str = "data.wcp.gate.decision";

/// The members of an answer, as rules of a package `wcp.gate`.
const MEMBERS: [(&str, &str); 3] = [
    ("decision", DECISION),
    ("policy_version", "data.wcp.gate.policy_version"),
    ("reason", "data.wcp.gate.reason"),
];

/// What a policy is evaluated on: one rule may call another, and values nest, as
/// deep as a program is long.
const STACK: usize = 64 << 20;

/// Built-ins that a policy without a counted budget may not call either: in one
/// step they can take more memory than there is.
const UNBOUNDED: [&str; 4] = [
    "bits.lsh",
    "numbers.range",
    "numbers.range_step",
    "strings.repeat",
];

/// How much a policy may take to answer one request.
///
/// Instructions and bytes are counted alike on every machine, and decide. Time
/// does not: a machine that has much to do would decide otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegoLimits {
    /// Instructions of the policy machine, for each rule that answers.
    pub instructions: usize,
    /// Bytes of the values that it looks into or makes; none for a policy that
    /// was recorded before they were counted.
    pub bytes: Option<u64>,
    /// Time on the wall, for each rule that answers; none unless it is asked for.
    pub time: Option<Duration>,
}

impl Default for RegoLimits {
    fn default() -> RegoLimits {
        RegoLimits {
            instructions: 1_000_000,
            bytes: Some(64 << 20),
            time: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegoError {
    #[error("no Rego policy")]
    Empty,
    #[error("the policy does not compile: {detail}")]
    Compile { detail: String },
    #[error(
        "nothing answers at {ENTRYPOINT}: it takes `package wcp` with a rule `gate`, or \
         `package wcp.gate` with rules `decision`, `policy_version` and `reason`; \
         {missing} is missing"
    )]
    NoGate { missing: &'static str },
    #[error("the policy calls {builtin}, whose memory cannot be bounded")]
    UnboundedBuiltin { builtin: String },
    #[error("{module} holds a number of more than 4 300 digits, or with such an exponent")]
    Number { module: String },
    #[error("the policy is longer than {} instructions", Program::MAX_INSTRUCTIONS)]
    TooLong,
    #[error("{detail}")]
    Refused { detail: String },
    #[error("the policy could not be loaded: {detail}")]
    CouldNotEvaluate { detail: String },
    #[error("the policy's data: {detail}")]
    Data { detail: String },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegoSource {
    /// Modules by name, which is a path in the bundle.
    pub modules: BTreeMap<String, String>,
    /// The bundle's data; none if it has none.
    pub data: Option<Value>,
}

pub struct RegoGate {
    source: RegoSource,
    limits: RegoLimits,
    program: Arc<Program>,
    /// Whether each member of the answer is a rule of its own.
    by_member: bool,
    data: RegoValue,
}

impl std::fmt::Debug for RegoGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let modules = self.source.modules.keys();
        f.debug_set().entries(modules).finish()
    }
}

impl RegoGate {
    /// Compiles a policy.
    ///
    /// # Errors
    /// [`RegoError`] if it does not compile, or answers nothing at
    /// [`ENTRYPOINT`].
    pub fn new(source: RegoSource, limits: RegoLimits) -> Result<RegoGate, RegoError> {
        if source.modules.is_empty() {
            return Err(RegoError::Empty);
        }
        let mut modules = source.modules.iter();
        if let Some((name, _)) = modules.find(|(_, text)| !meter::numbers_fit(text)) {
            let module = name.clone();
            return Err(RegoError::Number { module });
        }
        start_clock();
        // The compiler is someone else's code: should it panic, that is no
        // reason for this process to end.
        let compiled = catch_unwind(AssertUnwindSafe(|| compile(&source)));
        let (program, by_member, data) = compiled.unwrap_or_else(|_| {
            let detail = "the compiler panicked".to_owned();
            Err(RegoError::Compile { detail })
        })?;
        let mut builtins = program.builtin_info_table.iter();
        if let Some(info) = builtins.find(|info| UNBOUNDED.contains(&info.name.as_str())) {
            let builtin = info.name.clone();
            return Err(RegoError::UnboundedBuiltin { builtin });
        }
        let program = match limits.bytes {
            None => program,
            Some(_) => match guarded(&program) {
                Ok(program) => Arc::new(program),
                Err(Unguardable::Builtin(builtin)) => {
                    return Err(RegoError::UnboundedBuiltin { builtin });
                }
                Err(Unguardable::TooLong) => return Err(RegoError::TooLong),
            },
        };
        Ok(RegoGate {
            source,
            limits,
            program,
            by_member,
            data,
        })
    }

    pub fn source(&self) -> &RegoSource {
        &self.source
    }

    pub const fn limits(&self) -> RegoLimits {
        self.limits
    }

    fn run(&self, input: &RegoValue) -> Result<RegoValue, VmError> {
        if !self.by_member {
            return self.run_rule(ENTRYPOINT, input);
        }
        let mut answer = RegoValue::new_object();
        for (name, rule) in MEMBERS {
            let value = self.run_rule(rule, input)?;
            // What is undefined is not a member, as everywhere in Rego.
            if let (false, Ok(members)) = (value == RegoValue::Undefined, answer.as_object_mut()) {
                members.insert(RegoValue::from(name), value);
            }
        }
        Ok(answer)
    }

    fn run_rule(&self, rule: &str, input: &RegoValue) -> Result<RegoValue, VmError> {
        let mut vm = RegoVM::new();
        vm.load_program(self.program.clone());
        vm.set_data(self.data.clone())?;
        vm.set_input(input.clone());
        vm.set_max_instructions(self.limits.instructions);
        vm.set_execution_timer_config(self.limits.time.map(|limit| ExecutionTimerConfig {
            limit,
            check_interval: NonZeroU32::MIN.saturating_add(999),
        }));
        vm.execute_entry_point_by_name(rule)
    }
}

impl RegoGate {
    /// What the policy answers, whatever it is, as JSON.
    fn answer(&self, input: &Value) -> Result<String, GateError> {
        let failed = |detail: String| GateError::Failed { detail };
        let input = to_rego(input).map_err(failed)?;
        let evaluated = || {
            meter::start(self.limits.bytes.unwrap_or(u64::MAX));
            let answer = self.run(&input)?;
            // Written out it may be more than all that was looked into.
            meter::size(&answer).map_err(|_| VmError::MemoryLimitExceeded {
                usage: 0,
                limit: 0,
                pc: 0,
            })?;
            Ok(match answer {
                RegoValue::Undefined => None,
                answer => Some(answer.to_json_str().map_err(|error| error.to_string())),
            })
        };
        let answer = catch_unwind(AssertUnwindSafe(evaluated));
        let answer = answer.map_err(|_| failed("the policy engine panicked".to_owned()))?;
        match answer {
            Ok(None) => Err(GateError::Undefined),
            Ok(Some(answer)) => answer.map_err(failed),
            Err(VmError::InstructionLimitExceeded { limit, .. }) => {
                Err(GateError::TooManyInstructions { limit })
            }
            Err(VmError::MemoryLimitExceeded { .. }) => Err(GateError::TooManyBytes {
                limit: self.limits.bytes.unwrap_or(u64::MAX),
            }),
            Err(VmError::TimeLimitExceeded { limit, .. }) => Err(GateError::TimedOut { limit }),
            Err(error) => Err(failed(one_line(&error.to_string()))),
        }
    }
}

impl PolicyGate for RegoGate {
    fn evaluate(&self, context: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        let input = context.to_value();
        let on_deep_stack = || std::thread::Builder::new().stack_size(STACK);
        let answer = std::thread::scope(|scope| {
            let spawned = on_deep_stack().spawn_scoped(scope, || self.answer(&input));
            spawned.map(std::thread::ScopedJoinHandle::join)
        });
        let failed = |detail: String| GateError::Failed { detail };
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let answer = answer.map_err(|_| failed("the policy engine panicked".to_owned()))??;
        read_answer(&answer)
    }

    fn rerun(&self) -> Rerun {
        Rerun::Policy(self.to_document())
    }
}

/// An answer in JSON, as a gate gives it.
fn read_answer(answer: &str) -> Result<GateAnswer, GateError> {
    let answer = parse(answer.as_bytes()).map_err(|error| GateError::Failed {
        detail: error.to_string(),
    })?;
    GateAnswer::read(&answer, "").map_err(GateError::Malformed)
}

/// What the compiler says of an entry point that is not a rule.
const NO_RULE: &str = "not a valid rule path";

fn compile(source: &RegoSource) -> Result<(Arc<Program>, bool, RegoValue), RegoError> {
    let refused = |error: &dyn std::fmt::Display| RegoError::Compile {
        detail: one_line(&error.to_string()),
    };
    let mut engine = Engine::new();
    for (name, text) in &source.modules {
        if let Some(line) = nesting::nests_too_deep(text) {
            let detail = format!("{name}:{line}: brackets are nested too deep");
            return Err(RegoError::Compile { detail });
        }
        engine
            .add_policy(name.clone(), text.clone())
            .map_err(|error| refused(&error))?;
    }
    let data = match &source.data {
        None => RegoValue::new_object(),
        Some(data) => to_rego(data).map_err(|detail| RegoError::Data { detail })?,
    };
    engine
        .add_data(data.clone())
        .map_err(|error| RegoError::Data {
            detail: one_line(&error.to_string()),
        })?;
    let mut of_rules = |rules: &[&'static str]| {
        let mut policy = None;
        for rule in rules {
            let compiled = engine.compile_with_entrypoint(&(*rule).into());
            policy = Some(compiled.map_err(|error| match error.to_string().as_str() {
                NO_RULE => RegoError::NoGate { missing: rule },
                _ => refused(&error),
            })?);
        }
        policy.ok_or(RegoError::Empty)
    };
    let members = MEMBERS.map(|(_, rule)| rule);
    let (rules, policy) = match of_rules(&[ENTRYPOINT]) {
        Err(no_gate @ RegoError::NoGate { .. }) => match of_rules(&members) {
            // There is neither.
            Err(RegoError::NoGate { missing }) if missing == DECISION => return Err(no_gate),
            by_member => (&members[..], by_member?),
        },
        by_rule => (&[ENTRYPOINT][..], by_rule?),
    };
    let program = Compiler::compile_from_policy(&policy, rules).map_err(|error| refused(&error))?;
    Ok((program, rules.len() > 1, data))
}

fn to_rego(value: &Value) -> Result<RegoValue, String> {
    RegoValue::from_json_str(&value.canonical(Form::Utf8))
        .map_err(|error| one_line(&error.to_string()))
}

/// What the engine says, without its picture of the source: the place first, then
/// what is wrong there.
fn one_line(text: &str) -> String {
    let mut place = None;
    let mut said = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(at) = line.strip_prefix("--> ") {
            place = place.or(Some(at));
            continue;
        }
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let picture = line.is_empty() || number.trim_start().starts_with('|');
        if !picture {
            said.push(line.strip_prefix("error: ").unwrap_or(line));
        }
    }
    let said = said.join("; ");
    match place {
        Some(place) => format!("{place}: {said}"),
        None => said,
    }
}

/// The engine is built without a clock, so that no policy can read one; for
/// its time limit it gets this one, which policies cannot reach.
struct Stopwatch;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl TimeSource for Stopwatch {
    fn now(&self) -> Option<Duration> {
        Some(START.elapsed())
    }
}

fn start_clock() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Someone else's clock is as good, should one be set already.
        let _ = set_time_source(&Stopwatch);
    });
}
