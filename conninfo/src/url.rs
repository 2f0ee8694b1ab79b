//! The `postgres://` form, split into the same pairs as the keyword form.
//!
//! The rules are libpq's `conninfo_uri_parse_options`
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>). The driver's
//! parser would only warn about an unknown parameter, and print its value. No message repeats anything before the path:
//! a password with an unescaped `/` or `@` reaches into host and port.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::encoding;
use crate::encoding::Undecodable;
use crate::error::ParseError;
use crate::pair::Pair;

const ESCAPE: &str =
    "(write `@`, `/`, `:`, `?` and `%` in a user name or password as %40, %2F, %3A, %3F and %25)";

/// `rest` is the text after `postgres://`.
pub(crate) fn parse(rest: &str) -> Result<Vec<Pair>, ParseError> {
    let mut pairs = Vec::new();
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let (authority, path) = match before_query.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (before_query, None),
    };
    let (login, address) = match authority.split_once('@') {
        Some((login, address)) => (Some(login), address),
        None => (None, authority),
    };
    if address.contains('@') {
        return Err(malformed(format!("there is more than one `@` before the host {ESCAPE}")));
    }

    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        push(&mut pairs, "user", user, "the user name")?;
        push(&mut pairs, "password", password.unwrap_or_default(), "the password")?;
    }

    let hosts = address.split(',').map(host_and_port).collect::<Result<Vec<_>, _>>()?;
    let list = |elements: Vec<&str>| elements.join(",");
    push(&mut pairs, "host", &list(hosts.iter().map(|(host, _)| *host).collect()), "the host")?;
    if hosts.iter().any(|(_, port)| !port.is_empty()) {
        push(&mut pairs, "port", &list(hosts.iter().map(|(_, port)| *port).collect()), "the port")?;
    }

    if let Some(database) = path {
        // libpq reads an `@` here as part of the database's name, which messages show. After an unescaped `/` in the
        // password, they would show the rest of the password.
        if database.contains('@') {
            return Err(malformed(format!("there is an `@` after the host {ESCAPE}")));
        }
        push(&mut pairs, "dbname", database, "the database name")?;
    }
    for parameter in query.into_iter().flat_map(|query| query.split('&')).filter(|p| !p.is_empty()) {
        let Some((keyword, value)) = parameter.split_once('=') else {
            return Err(malformed("there is a parameter without `=` after the `?`"));
        };
        if value.contains('=') {
            return Err(malformed("a parameter after the `?` has a second `=`; write it %3D in a value"));
        }
        let keyword = decode(keyword, "a parameter's name")?;
        let value = decode(value, &format!("the value of `{keyword}`"))?;
        pairs.push(Pair { keyword, value });
    }
    Ok(pairs)
}

/// One host of the list, and its port or an empty string.
fn host_and_port(address: &str) -> Result<(&str, &str), ParseError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let Some((host, after)) = bracketed.split_once(']') else {
                return Err(malformed("the IPv6 address has no closing `]`"));
            };
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(malformed("the text in `[]` is not an IPv6 address"));
            }
            match after.strip_prefix(':') {
                Some(port) => (host, port),
                None if after.is_empty() => (host, ""),
                None => {
                    return Err(malformed("after the `]` of an IPv6 address comes `:port`, `/` or the end"));
                }
            }
        }
        None => address.split_once(':').unwrap_or((address, "")),
    };
    if port.contains(':') {
        let message = format!("the host has more than one `:`; put an IPv6 address in `[]` {ESCAPE}");
        return Err(malformed(message));
    }
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return Err(malformed(format!("the port is not a number from 1 to 65535 {ESCAPE}")));
    }
    Ok((host, port))
}

fn push(pairs: &mut Vec<Pair>, keyword: &str, encoded: &str, what: &str) -> Result<(), ParseError> {
    if !encoded.is_empty() {
        pairs.push(Pair { keyword: keyword.to_owned(), value: decode(encoded, what)? });
    }
    Ok(())
}

fn decode(encoded: &str, what: &str) -> Result<String, ParseError> {
    encoding::decode_strictly(encoded).map_err(|error| {
        malformed(match error {
            Undecodable::Escape => {
                format!("{what} has a `%` that is not followed by two hexadecimal digits {ESCAPE}")
            }
            Undecodable::NotUtf8 => format!("{what} is not UTF-8 after its %XX are decoded"),
        })
    })
}

fn malformed(message: impl Into<Cow<'static, str>>) -> ParseError {
    ParseError::malformed(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_as_libpq_splits_them() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("localhost", &[("host", "localhost")]),
            ("localhost:5433", &[("host", "localhost"), ("port", "5433")]),
            ("localhost/mydb", &[("host", "localhost"), ("dbname", "mydb")]),
            ("me@localhost", &[("user", "me"), ("host", "localhost")]),
            ("me:s3cret@localhost", &[("user", "me"), ("password", "s3cret"), ("host", "localhost")]),
            ("me:@localhost", &[("user", "me"), ("host", "localhost")]),
            (
                "me:a%40b%2Fc%3A%25@h/my%20db",
                &[("user", "me"), ("password", "a@b/c:%"), ("host", "h"), ("dbname", "my db")],
            ),
            ("[::1]:5433/db", &[("host", "::1"), ("port", "5433"), ("dbname", "db")]),
            ("[2001:db8::1]", &[("host", "2001:db8::1")]),
            ("%2Fvar%2Frun%2Fpg/db", &[("host", "/var/run/pg"), ("dbname", "db")]),
            ("/db?host=/tmp&port=5433", &[("dbname", "db"), ("host", "/tmp"), ("port", "5433")]),
            ("a,b/db", &[("host", "a,b"), ("dbname", "db")]),
            ("a:1,[::1]:2,c", &[("host", "a,::1,c"), ("port", "1,2,")]),
            ("me@,b:1", &[("user", "me"), ("host", ",b"), ("port", ",1")]),
            ("h/a%40b", &[("host", "h"), ("dbname", "a@b")]),
            ("?sslmode=require", &[("sslmode", "require")]),
            ("h?options=-c%20a%3Db&", &[("host", "h"), ("options", "-c a=b")]),
            ("h?user=a+b", &[("host", "h"), ("user", "a+b")]),
        ];
        for (input, expected) in table {
            let pairs = parse(input).unwrap();
            let pairs: Vec<_> = pairs.iter().map(|p| (p.keyword.as_str(), p.value.as_str())).collect();
            assert_eq!(&pairs, expected, "{input}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_without_repeating_it() {
        let table = [
            ("me:hunter2@x@host/db", "more than one `@`"),
            ("me:hun/hunter2@host/db", "the port is not a number"),
            ("me:/hunter2@host/db", "an `@` after the host"),
            ("me:@x/hunter2@host/db", "an `@` after the host"),
            ("me:5432/hunter2@host/db", "an `@` after the host"),
            ("me:%zzhunter2@host", "the password has a `%`"),
            ("me:hunter2%4", "the port is not a number"),
            ("me:hunter2@host:hunter2/db", "the port is not a number"),
            ("me:hunter2@host:70000/db", "the port is not a number"),
            ("me:hunter2@::1/db", "put an IPv6 address in `[]`"),
            ("me:hunter2@[::1/db", "no closing `]`"),
            ("me:hunter2@[hunter2]/db", "not an IPv6 address"),
            ("me:hunter2@[::1]hunter2/db", "comes `:port`"),
            ("me:hunter2@a,b:hunter2/db", "the port is not a number"),
            ("me:hunter2@a,[hunter2]/db", "not an IPv6 address"),
            ("me:%ff@host", "the password is not UTF-8"),
            ("h?hunter2", "a parameter without `=`"),
            ("h?password=hunter2=x", "second `=`"),
        ];
        for (input, expected) in table {
            let message = parse(input).err().unwrap().to_string();
            assert!(message.contains(expected), "{input}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
