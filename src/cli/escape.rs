//! The one door for text that an attacker may have written: what moves the
//! cursor, changes colours, reverses direction or hides is shown as its code.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc, is_nfc_quick};

/// Replaces control, bidirectional and zero-width characters by `\u{…}`:
/// newlines too, with which a value could pose as a line of ours. In a text that
/// is not in normal form C, what keeps it from it is shown too: it would look like
/// another text and is found by nobody who types that.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let composed = text.is_ascii() || is_nfc(text);
    let is_hostile = |character| is_hostile(character) || (!composed && decomposes(character));
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

fn decomposes(character: char) -> bool {
    canonical_combining_class(character) != 0
        || is_nfc_quick(std::iter::once(character)) != IsNormalized::Yes
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
    fn two_spellings_of_one_word_look_different() {
        // Composed; decomposed; a sign that stands for a letter; Hangul by parts.
        assert_eq!(escape("caf\u{e9}"), "caf\u{e9}");
        assert_eq!(escape("cafe\u{301}"), "cafe\\u{301}");
        assert_eq!(escape("\u{212b}"), "\\u{212b}");
        assert_eq!(
            escape("\u{1112}\u{1161}\u{11ab}"),
            "\u{1112}\\u{1161}\\u{11ab}"
        );
        // Marks that belong there stay.
        assert_eq!(escape("हिन्दी ภาษาไทย"), "हिन्दी ภาษาไทย");
    }

    #[test]
    fn lines_of_our_own_stay_lines() {
        assert_eq!(escape_lines("a\n\u{1b}b\n"), "a\n\\u{1b}b\n");
    }
}
