//! Questions on a terminal, each of which a flag answers too.

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Input, Select};

use super::error::{CliError, ProducerError};

/// How questions are answered that no flag answers.
pub(super) struct Questions {
    pub(super) terminal: bool,
    pub(super) defaults: bool,
}

pub(super) struct InitQuestion {
    text: String,
    flag: &'static str,
    usual: Option<String>,
    check: fn(&str) -> Result<(), String>,
}

impl InitQuestion {
    pub(super) fn new(text: &str) -> InitQuestion {
        InitQuestion {
            text: text.to_owned(),
            flag: "",
            usual: None,
            check: |_| Ok(()),
        }
    }

    pub(super) fn flag(self, flag: &'static str) -> InitQuestion {
        InitQuestion { flag, ..self }
    }

    pub(super) fn usual(self, answer: &str) -> InitQuestion {
        let usual = Some(answer.to_owned());
        InitQuestion { usual, ..self }
    }

    /// What an answer at the terminal must hold to, or the question is asked
    /// again.
    pub(super) fn check(self, check: fn(&str) -> Result<(), String>) -> InitQuestion {
        InitQuestion { check, ..self }
    }
}

impl Questions {
    pub(super) fn text(
        &self,
        given: Option<String>,
        question: &InitQuestion,
    ) -> Result<String, CliError> {
        if let Some(given) = given {
            return Ok(given);
        }
        if let Some(usual) = self.without_asking(question)? {
            return Ok(usual);
        }
        let theme = ColorfulTheme::default();
        let mut input = Input::<String>::with_theme(&theme).with_prompt(&question.text);
        if let Some(usual) = &question.usual {
            input = input.default(usual.clone()).allow_empty(true);
        }
        let check = question.check;
        let input = input.validate_with(move |text: &String| check(text));
        Ok(input.interact_text().map_err(ProducerError::from)?)
    }

    /// Several answers, separated by commas or blanks; blank ones are none.
    pub(super) fn list(
        &self,
        given: Vec<String>,
        question: &InitQuestion,
    ) -> Result<Vec<String>, CliError> {
        let given = (!given.is_empty()).then(|| given.join(","));
        let text = self.text(given, question)?;
        let items = text.split([',', ' ']).filter(|item| !item.is_empty());
        Ok(items.map(str::to_owned).collect())
    }

    pub(super) fn one_of(
        &self,
        given: Option<String>,
        question: &InitQuestion,
        answers: &[&str],
    ) -> Result<String, CliError> {
        if let Some(given) = given {
            return Ok(given);
        }
        if let Some(usual) = self.without_asking(question)? {
            return Ok(usual);
        }
        let theme = ColorfulTheme::default();
        let select = Select::with_theme(&theme)
            .with_prompt(&question.text)
            .items(answers)
            .default(0);
        let chosen = select.interact().map_err(ProducerError::from)?;
        Ok(answers.get(chosen).copied().unwrap_or_default().to_owned())
    }

    /// The usual answer, if it is to be taken; none if the user is to be asked.
    fn without_asking(&self, question: &InitQuestion) -> Result<Option<String>, CliError> {
        match (&question.usual, self.defaults, self.terminal) {
            (Some(usual), true, _) => Ok(Some(usual.clone())),
            (_, _, true) => Ok(None),
            (_, _, false) => Err(ProducerError::Unanswered {
                question: question.text.clone(),
                flag: question.flag,
            }
            .into()),
        }
    }
}
