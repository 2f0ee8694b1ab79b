//! The password file (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).

use std::borrow::Cow;

use crate::host::Host;
use crate::host::HostName;
use crate::password::Password;

/// The password in the first matching line of a password file's text.
///
/// A malformed line is skipped silently: it may contain a password. A host without a name matches `localhost`, as a
/// Unix socket does.
///
/// ```
/// use conninfo::{Host, HostName, password_in};
///
/// let text = "db.example:5432:*:app:s3cret\n";
/// let host = Host::new(HostName::Name("db.example".to_owned()), 5432);
/// assert_eq!(password_in(text, &host, "shop", "app").unwrap().expose(), "s3cret");
/// assert_eq!(password_in(text, &host, "shop", "other"), None);
/// ```
pub fn password_in(text: &str, host: &Host, database: &str, user: &str) -> Option<Password> {
    let port = host.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let [line_host, line_port, line_database, line_user, password] =
            <[String; 5]>::try_from(fields(line)).ok()?;
        let matches = |field: &str, wanted: &str| field == "*" || field == wanted;
        (host_matches(&line_host, &host.name)
            && matches(&line_port, &port)
            && matches(&line_database, database)
            && matches(&line_user, user))
        .then(|| Password::new(password))
    })
}

/// A Unix socket matches its directory and `localhost`.
fn host_matches(field: &str, name: &HostName) -> bool {
    let (name, is_local) = match name {
        HostName::Name(name) => (Cow::from(name), false),
        HostName::Socket(directory) => (directory.to_string_lossy(), true),
        HostName::Default => (Cow::from("localhost"), true),
    };
    field == "*" || field == name || is_local && field == "localhost"
}

/// The fields of a line: split at `:`, with `\:` for a `:` and `\\` for a `\`.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("starts with one field and only grows");
        match c {
            ':' => fields.push(String::new()),
            '\\' => field.extend(chars.next()),
            c => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_line_gives_the_password() {
        let text = "# comment\nbroken:line\ndb.example:5432:shop:me:one\n*:5433:*:me:t\\:w\\\\o\n\
                    localhost:*:*:*:socket\n";
        let found = |name, port| {
            let password = password_in(text, &Host::new(name, port), "shop", "me");
            password.map(|password| password.expose().to_owned())
        };
        let named = |name: &str| HostName::Name(name.to_owned());
        assert_eq!(found(named("db.example"), 5432).as_deref(), Some("one"));
        assert_eq!(found(named("db.example"), 5433).as_deref(), Some(r"t:w\o"));
        assert_eq!(found(HostName::Socket("/var/run/postgresql".into()), 5432).as_deref(), Some("socket"));
        assert_eq!(found(HostName::Default, 5432).as_deref(), Some("socket"));
        assert_eq!(found(named("localhost"), 5432).as_deref(), Some("socket"));
        assert_eq!(found(named("other"), 5432), None);
    }

    #[test]
    fn a_line_for_another_user_or_database_does_not_match() {
        let host = Host::new(HostName::Name("db".to_owned()), 5432);
        let text = "db:5432:shop:me:s3cret";
        assert!(password_in(text, &host, "shop", "me").is_some());
        assert_eq!(password_in(text, &host, "other", "me"), None);
        assert_eq!(password_in(text, &host, "shop", "you"), None);
    }
}
