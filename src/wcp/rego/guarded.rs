//! A compiled policy in which every step that can take more than it is long is
//! counted first.
//!
//! Built-ins are counted by themselves ([`metered`]). Before an operation of the
//! machine that looks into values (it compares, multiplies, looks up by a key) a
//! call of a guard is put for each of its operands, which answers what it is
//! given. Everything that names a place in the program is moved along.

use std::sync::Arc;

use regorus::rvm::Instruction;
use regorus::rvm::instructions::{BuiltinCallParams, LiteralOrRegister};
use regorus::rvm::program::{BuiltinInfo, Program};

use super::builtins::{guard, metered, shallow_guard};

/// Why a policy was not put under the budget.
pub(super) enum Unguardable {
    Builtin(String),
    /// With its guards it is longer than a program may be.
    TooLong,
}

/// An operand that is looked into, or a collection that is looked through.
#[derive(Clone, Copy)]
enum Operand {
    Whole(u8),
    Width(u8),
}

pub(super) fn guarded(program: &Program) -> Result<Program, Unguardable> {
    let mut made = program.clone();
    for (info, built_in) in made
        .builtin_info_table
        .iter()
        .zip(&mut made.resolved_builtins)
    {
        *built_in = metered(&info.name).ok_or_else(|| Unguardable::Builtin(info.name.clone()))?;
    }
    let mut calls = Calls::new(&mut made);
    let mut ends: Vec<u16> = Vec::new();
    ends.extend(
        program
            .instruction_data
            .loop_params
            .iter()
            .map(|params| params.loop_end),
    );
    let mut places = Vec::with_capacity(program.instructions.len() + 1);
    let mut result = None;
    let (mut instructions, mut spans) = (Vec::new(), Vec::new());
    for (at, instruction) in program.instructions.iter().enumerate() {
        places.push(instructions.len());
        if let Instruction::RuleInit { result_reg, .. } = instruction {
            result = Some(*result_reg);
        }
        let span = program.instruction_spans.get(at).cloned().flatten();
        // The machine may step over the one at a loop's end; then its guard
        // would be stepped over in its place.
        let operands = match ends.iter().any(|end| usize::from(*end) == at) {
            true => Vec::new(),
            false => operands(program, instruction, result),
        };
        for operand in operands {
            let params_index = calls.of(&mut made, operand);
            instructions.push(Instruction::BuiltinCall { params_index });
            spans.push(span.clone());
        }
        instructions.push(*instruction);
        spans.push(span);
    }
    places.push(instructions.len());
    if instructions.len() > Program::MAX_INSTRUCTIONS {
        return Err(Unguardable::TooLong);
    }
    (made.instructions, made.instruction_spans) = (instructions, spans);
    move_along(&mut made, &places);
    Ok(made)
}

/// The calls of the two guards, one for each register.
struct Calls {
    guards: [u16; 2],
    made: Vec<(u16, u8, u16)>,
}

impl Calls {
    fn new(program: &mut Program) -> Calls {
        let mut add = |name: &str, built_in| {
            program.resolved_builtins.push(built_in);
            program.add_builtin_info(BuiltinInfo {
                name: name.to_owned(),
                num_args: 1,
            })
        };
        Calls {
            guards: [
                add("sealbook.guard", guard()),
                add("sealbook.shallow_guard", shallow_guard()),
            ],
            made: Vec::new(),
        }
    }

    fn of(&mut self, program: &mut Program, operand: Operand) -> u16 {
        let [whole, width] = self.guards;
        let (builtin_index, register) = match operand {
            Operand::Whole(register) => (whole, register),
            Operand::Width(register) => (width, register),
        };
        let mut made = self.made.iter();
        if let Some((_, _, index)) = made.find(|made| (made.0, made.1) == (builtin_index, register))
        {
            return *index;
        }
        let index = program.add_builtin_call_params(BuiltinCallParams {
            dest: register,
            builtin_index,
            num_args: 1,
            args: [register; 8],
        });
        self.made.push((builtin_index, register, index));
        index
    }
}

fn operands(program: &Program, instruction: &Instruction, result: Option<u8>) -> Vec<Operand> {
    use Instruction as I;
    use Operand::{Whole, Width};
    let data = &program.instruction_data;
    let of_path = |path: Option<&[LiteralOrRegister]>| -> Vec<Operand> {
        let path = path.unwrap_or_default().iter();
        path.filter_map(|component| match component {
            LiteralOrRegister::Register(register) => Some(Whole(*register)),
            LiteralOrRegister::Literal(_) => None,
        })
        .collect()
    };
    match *instruction {
        I::Add { left, right, .. }
        | I::Sub { left, right, .. }
        | I::Mul { left, right, .. }
        | I::Div { left, right, .. }
        | I::Mod { left, right, .. }
        | I::Eq { left, right, .. }
        | I::Ne { left, right, .. }
        | I::Lt { left, right, .. }
        | I::Le { left, right, .. }
        | I::Gt { left, right, .. }
        | I::Ge { left, right, .. }
        | I::AssertEq { left, right } => vec![Whole(left), Whole(right)],
        I::Contains {
            collection, value, ..
        } => vec![Width(collection), Whole(value)],
        I::Index { key, .. } | I::ObjectSet { key, .. } => vec![Whole(key)],
        I::SetAdd { value, .. } => vec![Whole(value)],
        I::ComprehensionYield { value_reg, key_reg } => {
            let registers = [Some(value_reg), key_reg];
            registers.into_iter().flatten().map(Whole).collect()
        }
        I::ChainedIndex { params_index } => {
            let params = data.get_chained_index_params(params_index);
            of_path(params.map(|params| params.path_components.as_slice()))
        }
        I::VirtualDataDocumentLookup { params_index } => {
            let params = data.get_virtual_data_document_lookup_params(params_index);
            of_path(params.map(|params| params.path_components.as_slice()))
        }
        I::SetCreate { params_index } => {
            let params = data.set_create_params.get(usize::from(params_index));
            let elements = params.map(|params| params.elements.as_slice());
            elements
                .unwrap_or_default()
                .iter()
                .copied()
                .map(Whole)
                .collect()
        }
        I::ObjectCreate { params_index } => {
            let params = data.object_create_params.get(usize::from(params_index));
            let fields = params.map(|params| params.fields.as_slice());
            let fields = fields.unwrap_or_default().iter();
            fields.map(|(key, _)| Whole(*key)).collect()
        }
        // Definitions of one rule are compared with each other.
        I::RuleReturn {} => result.into_iter().map(Whole).collect(),
        _ => Vec::new(),
    }
}

/// Whatever named the instruction at a place names its first guard.
fn move_along(program: &mut Program, places: &[usize]) {
    let place = |old: usize| places.get(old).copied().unwrap_or(old);
    let short = |old: &mut u16| *old = u16::try_from(place(usize::from(*old))).unwrap_or(u16::MAX);
    let long = |old: &mut u32| {
        let new = usize::try_from(*old).map_or(usize::MAX, place);
        *old = u32::try_from(new).unwrap_or(u32::MAX);
    };
    for entry in program.entry_points.values_mut() {
        *entry = place(*entry);
    }
    long(&mut program.main_entry_point);
    for rule in &mut program.rule_infos {
        for body in Arc::make_mut(&mut rule.definitions).iter_mut().flatten() {
            long(body);
        }
        for block in rule.destructuring_blocks.iter_mut().flatten() {
            long(block);
        }
    }
    for params in &mut program.instruction_data.loop_params {
        short(&mut params.body_start);
        short(&mut params.loop_end);
    }
    for params in &mut program.instruction_data.comprehension_begin_params {
        short(&mut params.body_start);
        short(&mut params.comprehension_end);
    }
    for instruction in &mut program.instructions {
        match instruction {
            Instruction::LoopNext {
                body_start,
                loop_end,
            } => {
                short(body_start);
                short(loop_end);
            }
            Instruction::LogicalBlockStart { end_pc, .. }
            | Instruction::AllOfNext { end_pc, .. }
            | Instruction::AnyOfNext { end_pc, .. } => short(end_pc),
            _ => {}
        }
    }
}
