//! Two examples of each command.

mod evidence;
mod routing;

/// The command's name, with that of its parent, and lines for a shell.
pub(super) type Example = (&'static str, &'static [&'static str]);

pub(super) fn examples() -> impl Iterator<Item = &'static Example> {
    evidence::EXAMPLES.iter().chain(routing::EXAMPLES)
}
