//! Run-time parameters of the server that a connection string may set.

/// A run-time parameter of the server, as `SET` would name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name: letters, digits, `_` and `$`, with at most one `.` in it.
    pub name: String,
    /// Its value, without tabs and line breaks.
    pub value: String,
}

/// Parses the value of `options` as the server does: `-c name=value` and `--name=value`, with a `\` before a blank
/// inside a value.
///
/// # Errors
/// The rest of a sentence that begins with the setting's name and says what is wrong.
pub fn switches(text: &str) -> Result<Vec<Parameter>, String> {
    let mut parameters = Vec::new();
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" {
            words.next().ok_or("there is nothing after `-c`")?
        } else if let Some(assignment) = word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            assignment.to_owned()
        } else {
            return Err("only `-c name=value` and `--name=value` are understood".to_owned());
        };
        let (name, value) =
            assignment.split_once('=').ok_or("a run-time parameter is written `-c name=value`")?;
        // The server does the same with both switches.
        let name = name.replace('-', "_");
        check(&name, value)?;
        parameters.push(Parameter { name, value: value.to_owned() });
    }
    Ok(parameters)
}

/// Checks that a name can be a parameter's name, and that the value can be sent.
pub(crate) fn check(name: &str, value: &str) -> Result<(), String> {
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    if name.is_empty() || !name.splitn(2, '.').all(is_identifier) {
        return Err(format!("`{name}` is neither a keyword nor the name of a run-time parameter"));
    }
    // The driver escapes blanks and backslashes, but no other white space.
    if value.contains(|c: char| c.is_ascii_whitespace() && c != ' ' || c == '\x0b') {
        return Err(format!("the value of `{name}` has a tab or a line break in it"));
    }
    Ok(())
}

/// The parameters as a value of `options`, which [`switches`] parses back.
pub(crate) fn written(parameters: &[Parameter]) -> String {
    let switch = |parameter: &Parameter| {
        let value = parameter.value.replace('\\', r"\\").replace(' ', r"\ ");
        format!("-c {}={value}", parameter.name)
    };
    parameters.iter().map(switch).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c.is_ascii_whitespace() || c == '\x0b' {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\\' => word.extend(chars.next()),
            c => word.push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_split_as_the_server_splits_them() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("-c geqo=off", &[("geqo", "off")]),
            ("-cgeqo=off  --work-mem=4MB", &[("geqo", "off"), ("work_mem", "4MB")]),
            (r"-c search_path=a\ b\\c", &[("search_path", r"a b\c")]),
            ("-c my.tenant=x=y", &[("my.tenant", "x=y")]),
        ];
        for (input, expected) in table {
            let parameters = switches(input).unwrap();
            assert_eq!(switches(&written(&parameters)).as_ref(), Ok(&parameters), "{input}");
            let parameters: Vec<_> = parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
            assert_eq!(&parameters, expected, "{input}");
        }
        for (input, expected) in [
            ("-c", "nothing after `-c`"),
            ("-B 10", "only `-c name=value`"),
            ("geqo=off", "only `-c name=value`"),
            ("-c geqo", "written `-c name=value`"),
            ("-c 1x=2", "neither a keyword nor"),
            ("-c a.b.c=2", "neither a keyword nor"),
            ("-c a=\\\tb", "a tab or a line break"),
        ] {
            assert!(switches(input).unwrap_err().contains(expected), "{input}");
        }
    }
}
