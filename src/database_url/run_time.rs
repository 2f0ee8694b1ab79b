//! Run-time parameters of the server that a connection string may set.

/// The switches of the `options` keyword, cut as the server cuts them, as names and values.
pub(super) fn switches(text: &str) -> Result<Vec<(String, String)>, String> {
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
        // As the server does with both switches.
        let name = name.replace('-', "_");
        check(&name, value)?;
        parameters.push((name, value.to_owned()));
    }
    Ok(parameters)
}

/// Whether a name can be that of a parameter, and the value can be sent as it is.
pub(super) fn check(name: &str, value: &str) -> Result<(), String> {
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    if name.is_empty() || !name.splitn(2, '.').all(is_identifier) {
        return Err(format!("`{name}` is neither a keyword nor the name of a run-time parameter"));
    }
    // Blanks and backslashes are escaped on the way; for other white space the driver has no escape.
    if value.contains(|c: char| c.is_ascii_whitespace() && c != ' ' || c == '\x0b') {
        return Err(format!("the value of `{name}` has a tab or a line break in it"));
    }
    Ok(())
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
    fn switches_are_cut_as_the_server_cuts_them() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("-c geqo=off", &[("geqo", "off")]),
            ("-cgeqo=off  --work-mem=4MB", &[("geqo", "off"), ("work_mem", "4MB")]),
            (r"-c search_path=a\ b\\c", &[("search_path", r"a b\c")]),
            ("-c my.tenant=x=y", &[("my.tenant", "x=y")]),
        ];
        for (input, expected) in table {
            let parameters = switches(input).unwrap();
            let parameters: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
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
