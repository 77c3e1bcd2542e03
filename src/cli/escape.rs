//! The one door for text that an attacker may have written: what moves the
//! cursor, changes colours, reverses direction or hides is shown as its code.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces control, bidirectional and zero-width characters by `\u{…}`:
/// newlines too, with which a value could pose as a line of ours.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            let _ = write!(escaped, "\\u{{{:x}}}", character as u32);
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// The same for a text of several lines that are all our own words.
pub(super) fn escape_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    lines.join("\n")
}

fn is_hostile(character: char) -> bool {
    match character {
        _ if character.is_control() => true,
        // Soft hyphen, Arabic letter mark, Hangul and Mongolian fillers.
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' => true,
        // Zero width, direction marks, separators, embeddings and overrides.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        // Word joiner, invisible operators, isolates, deprecated controls.
        '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        // Tags.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_moves_is_shown_and_the_rest_is_left() {
        assert_eq!(escape("合同 é"), "合同 é");
        assert_eq!(escape("\u{1b}[31m"), "\\u{1b}[31m");
        assert_eq!(
            escape("a\u{202e}b\u{200b}c\u{2066}"),
            "a\\u{202e}b\\u{200b}c\\u{2066}"
        );
        assert_eq!(escape("\u{85}\u{7f}\t"), "\\u{85}\\u{7f}\\u{9}");
        assert_eq!(escape("a\nPASS"), "a\\u{a}PASS");
    }

    #[test]
    fn lines_of_our_own_stay_lines() {
        assert_eq!(escape_lines("a\n\u{1b}b\n"), "a\n\\u{1b}b\n");
    }
}
