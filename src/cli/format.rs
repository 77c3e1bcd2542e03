//! `sealbook format`: the format document as one page.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use serde_json::json;

use super::Answer;
use super::error::CliError;
use super::output::Output;
use crate::ledger::format::document;

pub(super) fn run(output: &mut Output) -> Result<Answer, CliError> {
    if output.is_json() {
        output.document(&json!({"document": document()}))?;
    } else {
        page(document())
            .lines()
            .try_for_each(|line| output.line(line))?;
    }
    Ok(Answer::Yes)
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>The formats of sealbook</title>\n\
<style>\n\
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }\n\
table { border-collapse: collapse; }\n\
td, th { border: 1px solid #bbb; padding: .3rem .5rem; text-align: left; vertical-align: top; }\n\
pre { background: #f4f4f4; overflow-x: auto; padding: .6rem; }\n\
nav li { list-style: none; }\n\
</style>\n";

/// Markdown as one page, with a table of its headings and rules that can be
/// linked to by their names.
fn page(markdown: &str) -> String {
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let headings = name_headings(&mut events);
    name_rules(&mut events);
    let mut page = HEAD.to_owned();
    page.push_str("<h1>The formats of sealbook</h1>\n<nav>\n<ul>\n");
    for (name, text) in headings {
        page.push_str(&format!("<li><a href=\"#{name}\">{text}</a></li>\n"));
    }
    page.push_str("</ul>\n</nav>\n");
    html::push_html(&mut page, events.into_iter());
    page
}

/// Gives each heading the number that it begins with as its name, and answers
/// both.
fn name_headings(events: &mut [Event<'_>]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for at in 0..events.len() {
        let Some(
            [
                Event::Start(Tag::Heading { id, level, .. }),
                Event::Text(text),
            ],
        ) = events.get_mut(at..at + 2)
        else {
            continue;
        };
        let number = text.split(' ').next().unwrap_or_default();
        let name = number.trim_end_matches('.').to_owned();
        *id = Some(CowStr::from(name.clone()));
        if *level <= HeadingLevel::H2 {
            found.push((name, text.to_string()));
        }
    }
    found
}

/// Gives each rule, a table's first cell that is a letter and a number, its name.
fn name_rules(events: &mut [Event<'_>]) {
    for at in 0..events.len() {
        let Some(
            [
                Event::Start(Tag::TableRow),
                Event::Start(Tag::TableCell),
                cell,
                Event::End(TagEnd::TableCell),
            ],
        ) = events.get_mut(at..at + 4)
        else {
            continue;
        };
        let Event::Text(text) = cell else { continue };
        if is_rule(text) {
            let named = format!("<b id=\"{text}\">{text}</b>");
            *cell = Event::InlineHtml(CowStr::from(named));
        }
    }
}

fn is_rule(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && !letters.as_str().is_empty()
        && letters.all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_and_rule_can_be_linked_to() {
        let page = page(document());
        for name in ["2.1", "4.4", "12", "E3", "Z6", "U4"] {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert!(page.contains("<a href=\"#6.2\">6.2. Ranges</a>"));
    }
}
