//! What each built-in of the policy engine may take, counted before it is called.

use regorus::unstable::{BUILTINS, BuiltinFcn};
use regorus::{LimitError, Value};

use super::meter::{VALUE, charge, numbers_fit, size, width};

/// How the most that a built-in can make follows from what it is given.
enum Cost {
    /// It looks at what it is given and not into it.
    Shallow,
    Linear(u64),
    Quadratic,
    /// So many times a text, which is read as numbers.
    Number(u64),
    Concat,
    /// A text whose format says how wide it gets.
    Format,
    Replace,
    /// A text in which one part after another becomes another.
    ReplaceMany,
    Regex(u64),
    /// The same, and each of its groups is a text for every match.
    RegexGroups,
    /// An expression is compiled for it, and what it finds becomes another text.
    RegexReplace,
}

/// What an expression counts to be compiled.
const REGEX: u64 = 16_384;

impl Cost {
    fn pay(&self, args: &[Value]) -> Result<(), LimitError> {
        if let Cost::Shallow = self {
            // Keys are compared, and everything but the first may be one.
            let mut total = args.first().map_or(0, width);
            for arg in args.iter().skip(1) {
                total = total.saturating_add(size(arg)?);
            }
            return charge(total);
        }
        let mut total = 0_u64;
        for arg in args {
            total = total.saturating_add(size(arg)?);
        }
        let text = |index: usize| match args.get(index) {
            Some(Value::String(text)) => text.as_ref(),
            _ => "",
        };
        let len = |index: usize| text(index).len() as u64;
        let more = match self {
            Cost::Shallow => 0,
            Cost::Linear(times) => total.saturating_mul(*times),
            Cost::Quadratic => total.saturating_mul(total / 1_024),
            Cost::Number(times) => {
                if !args.iter().all(numbers_fit_in) {
                    return charge(u64::MAX);
                }
                total.saturating_mul(*times)
            }
            Cost::Concat => len(0).saturating_mul(args.get(1).map_or(0, width) / VALUE),
            Cost::Format => widths(text(0)).saturating_add(total.saturating_mul(4)),
            Cost::Replace => replaced(len(0), len(1), len(2)),
            Cost::ReplaceMany => {
                let mut length = len(1);
                if let Some(Value::Object(patterns)) = args.first() {
                    // Whatever their order, each can make the others' work longer.
                    for (old, new) in patterns.iter_sorted() {
                        let length_of = |text| width(text).saturating_sub(VALUE);
                        length = replaced(length, length_of(old), length_of(new));
                    }
                }
                length
            }
            Cost::Regex(times) => REGEX.saturating_add(total.saturating_mul(*times)),
            Cost::RegexGroups => {
                let groups = text(0).matches('(').count() as u64;
                let texts = groups.saturating_add(2).saturating_mul(32);
                REGEX.saturating_add(total.saturating_mul(texts))
            }
            Cost::RegexReplace => {
                let groups = text(2).matches('$').count() as u64;
                REGEX
                    .saturating_add(len(0).saturating_mul(groups.saturating_add(1)))
                    .saturating_add(replaced(len(0), 0, len(2)))
            }
        };
        charge(total.saturating_add(more))
    }
}

fn numbers_fit_in(value: &Value) -> bool {
    match value {
        Value::String(text) => numbers_fit(text),
        _ => true,
    }
}

/// The length of a text of which every `old` becomes a `new`, at most.
fn replaced(text: u64, old: u64, new: u64) -> u64 {
    let places = (text / old.max(1)).saturating_add(1);
    places.saturating_mul(new).saturating_add(text)
}

/// The sum of the widths that a format asks for.
fn widths(format: &str) -> u64 {
    let mut total = 0_u64;
    let mut rest = format.chars().peekable();
    while let Some(next) = rest.next() {
        if next != '%' || rest.next_if_eq(&'%').is_some() {
            continue;
        }
        let mut width = 0_u64;
        while let Some(next) = rest.next_if(|next| next.is_numeric() || *next == '.') {
            let digit = u64::from(next.to_digit(10).unwrap_or(0));
            width = width.saturating_mul(10).saturating_add(digit);
        }
        total = total.saturating_add(width);
    }
    total
}

/// The built-in of a name, so that it pays first; none if nothing is known of
/// what it takes.
macro_rules! metered {
    ($($cost:expr => $($name:literal)+;)*) => {
        /// The built-in of a name, made to pay before it works; none for one
        /// whose memory is not known beforehand.
        pub(super) fn metered(name: &str) -> Option<BuiltinFcn> {
            let (_, arguments) = BUILTINS.get(name)?;
            match name {
                $($($name => Some((
                    |span, params, args, strict| {
                        $cost.pay(args)?;
                        match BUILTINS.get($name) {
                            Some((built_in, _)) => built_in(span, params, args, strict),
                            None => Ok(Value::Undefined),
                        }
                    },
                    *arguments,
                )),)+)*
                _ => None,
            }
        }
    };
}

metered! {
    Cost::Shallow =>
        "count" "is_array" "is_boolean" "is_null" "is_number" "is_object" "is_set"
        "is_string" "object.get" "type_name";
    Cost::Linear(1) =>
        "abs" "bits.and" "bits.negate" "bits.or" "bits.rsh" "bits.xor" "ceil" "contains"
        "endswith" "floor" "hex.decode" "indexof" "max" "min" "round" "startswith"
        "strings.count" "sum" "trace";
    Cost::Linear(2) =>
        "array.concat" "array.reverse" "array.slice" "base64.decode" "base64.encode"
        "base64.is_valid" "base64url.decode" "base64url.encode"
        "base64url.encode_no_pad" "glob.quote_meta" "hex.encode" "intersection"
        "object.filter" "object.keys" "object.remove" "object.union" "semver.compare"
        "semver.is_valid" "__builtin_sets.intersection" "__builtin_sets.union"
        "strings.reverse" "substring" "trim" "trim_left" "trim_prefix" "trim_right"
        "trim_space" "trim_suffix" "union";
    Cost::Linear(3) => "lower" "upper";
    Cost::Linear(4) => "format_int" "object.union_n" "sort";
    Cost::Linear(6) => "json.marshal";
    Cost::Linear(8) => "json.filter" "json.remove";
    Cost::Linear(24) => "indexof_n";
    Cost::Linear(32) => "split";
    Cost::Concat => "concat";
    Cost::Regex(4) => "glob.match" "regex.template_match";
    Cost::Number(16) => "json.is_valid" "json.unmarshal";
    Cost::Quadratic =>
        "json.marshal_with_options" "object.subset" "product" "regex.globs_match"
        "strings.any_prefix_match" "strings.any_suffix_match";
    Cost::RegexGroups => "regex.find_all_string_submatch_n";
    Cost::Regex(32) => "regex.find_n" "regex.split";
    Cost::Regex(1) => "regex.is_valid" "regex.match";
    Cost::RegexReplace => "regex.replace";
    Cost::Replace => "replace";
    Cost::Format => "sprintf";
    Cost::ReplaceMany => "strings.replace_n";
    Cost::Number(4) => "to_number" "units.parse" "units.parse_bytes";
}

/// Pays for the one value that it is given, and answers it: what stands before
/// steps of the machine that are no built-ins.
pub(super) fn guard() -> BuiltinFcn {
    (
        |_, _, args, _| {
            let value = args.first().cloned().unwrap_or(Value::Undefined);
            charge(size(&value)?)?;
            Ok(value)
        },
        1,
    )
}

/// The same for a collection that is looked through.
pub(super) fn shallow_guard() -> BuiltinFcn {
    (
        |_, _, args, _| {
            let value = args.first().cloned().unwrap_or(Value::Undefined);
            charge(width(&value))?;
            Ok(value)
        },
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a new version of the engine brings has to be thought about.
    #[test]
    fn of_every_built_in_it_is_known_what_it_takes_or_it_is_refused() {
        let refused = ["bits.lsh", "numbers.range", "numbers.range_step"];
        let mut unknown: Vec<&str> = BUILTINS.keys().copied().collect();
        unknown.retain(|name| metered(name).is_none() && !refused.contains(name));
        unknown.sort_unstable();
        assert_eq!(unknown, [""; 0]);
    }

    #[test]
    fn widths_are_those_that_the_format_asks_for() {
        for (format, expected) in [
            ("100%% of 2000000", 0),
            ("%d and %s", 0),
            ("%2000000000d", 2_000_000_000),
            ("%.30f%040d", 70),
        ] {
            assert_eq!(widths(format), expected, "{format}");
        }
    }
}
