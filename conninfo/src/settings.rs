//! The pairs of a connection string, sorted by keyword and completed from the environment.

use std::borrow::Cow;

use crate::environment::Environment;
use crate::error::ParseError;
use crate::error::Setting;
use crate::keywords;
use crate::keywords::KEYWORDS;
use crate::keywords::Keyword;
use crate::keywords::Use;
use crate::pair::Pair;
use crate::parameters;
use crate::parameters::Parameter;

/// How an unknown name is treated: in the keyword form as a run-time parameter, as in pgx; in a URL as a mistake, as in
/// libpq.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is sent to the server.
    RunTimeParameter,
    /// It is refused.
    Mistake,
}

/// The settings: each keyword at most once, none with an empty value.
pub(crate) struct Settings {
    known: Vec<Known>,
    /// The names in the keyword form that are not keywords.
    pub(crate) run_time: Vec<Parameter>,
}

/// A keyword's value.
struct Known {
    keyword: &'static Keyword,
    value: String,
    from_variable: bool,
}

impl Settings {
    /// Sorts the given pairs and adds the environment's variables. An empty value counts as unset.
    pub(crate) fn collect(
        given: Vec<Pair>,
        unknown: Unknown,
        environment: &Environment,
    ) -> Result<Self, ParseError> {
        let mut settings = Self { known: Vec::new(), run_time: Vec::new() };
        for pair in given {
            settings.add(pair, unknown)?;
        }
        settings.known.retain(|known| !known.value.is_empty());
        for keyword in KEYWORDS {
            if settings.text(keyword.name).is_none()
                && let Some(value) = keyword.variable.and_then(|name| environment.variable(name))
            {
                no_zero_byte(value)?;
                settings.known.push(Known { keyword, value: value.to_owned(), from_variable: true });
            }
        }
        for Known { keyword, value, .. } in &settings.known {
            if let Use::Only(harmless, why) = keyword.purpose
                && !harmless.contains(&value.to_ascii_lowercase().as_str())
            {
                let value = (!harmless.is_empty()).then(|| value.clone());
                return Err(ParseError::Refused {
                    setting: settings.setting(keyword.name),
                    value,
                    why: Cow::from(why),
                });
            }
        }
        Ok(settings)
    }

    /// A keyword's value.
    pub(crate) fn text(&self, keyword: &str) -> Option<&str> {
        self.known(keyword).map(|known| known.value.as_str())
    }

    /// A keyword's value, split at its commas. Empty if it was not set.
    pub(crate) fn list(&self, keyword: &str) -> Vec<&str> {
        self.text(keyword).map(|value| value.split(',').collect()).unwrap_or_default()
    }

    /// A keyword as messages name it.
    pub(crate) fn setting(&self, keyword: &'static str) -> Setting {
        let variable = self.known(keyword).filter(|known| known.from_variable);
        Setting { keyword, variable: variable.and_then(|known| known.keyword.variable) }
    }

    /// The keywords that the environment set.
    pub(crate) fn variables(&self) -> Vec<Setting> {
        let known = self.known.iter().filter(|known| known.from_variable);
        known.map(|known| self.setting(known.keyword.name)).collect()
    }

    /// The error for a keyword's value. `why` ends a sentence that begins with the setting.
    pub(crate) fn invalid(&self, keyword: &'static str, why: impl Into<Cow<'static, str>>) -> ParseError {
        ParseError::Invalid { setting: self.setting(keyword), why: why.into() }
    }

    fn add(&mut self, Pair { keyword: name, value }: Pair, unknown: Unknown) -> Result<(), ParseError> {
        no_zero_byte(&name)?;
        no_zero_byte(&value)?;
        if let Some(keyword) = keywords::find(&name) {
            self.replace(keyword, value);
            return Ok(());
        }
        // JDBC's setting for TLS, which libpq accepts in a URL.
        if unknown == Unknown::Mistake && name == "ssl" && value == "true" {
            let sslmode = keywords::find("sslmode").expect("sslmode is in the table");
            self.replace(sslmode, "require".to_owned());
            return Ok(());
        }
        match (keywords::meant_by(&name), unknown) {
            (Some(meant), _) => Err(ParseError::Misspelt { name, meant }),
            (None, Unknown::Mistake) => Err(ParseError::UnknownParameter { name }),
            (None, Unknown::RunTimeParameter) => {
                parameters::check(&name, &value).map_err(ParseError::malformed)?;
                self.run_time.push(Parameter { name, value });
                Ok(())
            }
        }
    }

    /// The last value counts, as in libpq.
    fn replace(&mut self, keyword: &'static Keyword, value: String) {
        self.known.retain(|known| known.keyword.name != keyword.name);
        self.known.push(Known { keyword, value, from_variable: false });
    }

    fn known(&self, keyword: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.keyword.name == keyword)
    }
}

fn no_zero_byte(text: &str) -> Result<(), ParseError> {
    match text.contains('\0') {
        true => Err(ParseError::malformed("there is a zero byte in it")),
        false => Ok(()),
    }
}
