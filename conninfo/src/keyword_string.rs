//! libpq's `key = value` form, split into pairs.
//!
//! The rules are libpq's `conninfo_parse`
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE>). No message
//! repeats anything but a keyword: part of an unquoted password may be anywhere in the input.

use crate::error::ParseError;
use crate::pair::Pair;

/// Splits the whole string.
pub(crate) fn parse(input: &str) -> Result<Vec<Pair>, ParseError> {
    let mut pairs = Vec::new();
    let mut rest = input.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let keyword = &rest[..end];
        let Some(after) = rest[end..].trim_start().strip_prefix('=') else {
            return Err(match pairs.last() {
                None => ParseError::malformed("this is neither a URL nor a list of `keyword=value`"),
                Some(Pair { keyword, .. }) => ParseError::malformed(format!(
                    "there is a word without `=` after the value of `{keyword}` \
                     (put a value with spaces in single quotes)"
                )),
            });
        };
        if keyword.is_empty() {
            return Err(ParseError::malformed("there is a `=` without a keyword before it"));
        }
        let (value, after) = value(keyword, after.trim_start())?;
        pairs.push(Pair { keyword: keyword.to_owned(), value });
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// One value, quoted or not, and the input after it.
fn value<'a>(keyword: &str, input: &'a str) -> Result<(String, &'a str), ParseError> {
    let quoted = input.starts_with('\'');
    let mut value = String::new();
    let mut chars = input.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quoted => return Ok((value, &input[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((value, &input[at..])),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    if quoted {
        let message = format!("the quoted value of `{keyword}` has no closing quote");
        return Err(ParseError::malformed(message));
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_as_libpq_splits_them() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("host=localhost port=5432", &[("host", "localhost"), ("port", "5432")]),
            ("  host = localhost\tport\n=\n5432  ", &[("host", "localhost"), ("port", "5432")]),
            ("password='s3 cret' user=me", &[("password", "s3 cret"), ("user", "me")]),
            (r"password='it\'s \\ here'", &[("password", r"it's \ here")]),
            (r"password=it\'s\ here", &[("password", "it's here")]),
            ("password='' user=me", &[("password", ""), ("user", "me")]),
            // As in libpq, blanks after `=` are skipped: an empty value has to be quoted.
            ("password= user=me", &[("password", "user=me")]),
            ("password=", &[("password", "")]),
            ("host='a'port=1", &[("host", "a"), ("port", "1")]),
            ("password=a=b", &[("password", "a=b")]),
            ("password=a'b", &[("password", "a'b")]),
            ("user=ärger", &[("user", "ärger")]),
        ];
        for (input, expected) in table {
            let pairs = parse(input).unwrap();
            let pairs: Vec<_> = pairs.iter().map(|p| (p.keyword.as_str(), p.value.as_str())).collect();
            assert_eq!(&pairs, expected, "{input}");
        }
    }

    #[test]
    fn a_malformed_pair_is_refused_without_repeating_it() {
        let table = [
            ("hunter2", "neither a URL nor a list"),
            ("password=my hunter2 host=x", "after the value of `password`"),
            ("=hunter2", "without a keyword"),
            ("host=x password='hunter2", "`password` has no closing quote"),
            (r"password='hunter2\'", "no closing quote"),
        ];
        for (input, expected) in table {
            let message = parse(input).err().unwrap().to_string();
            assert!(message.contains(expected), "{input}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
