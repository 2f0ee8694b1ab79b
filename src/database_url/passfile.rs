//! The password file (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).
//!
//! Read here and not by the driver, which knows no `passfile` keyword and prints a malformed line, password
//! and all, to the log.

use std::path::Path;

/// The password of the first line that fits, or nothing. A file that is missing, cannot be read or is open
/// to others counts as empty, as in libpq; the latter two with a warning.
pub(super) fn look_up(file: &Path, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the password file cannot be read");
            return None;
        }
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).ok()?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(
                file = %file.display(),
                "the password file is ignored: others may read it (chmod 600)"
            );
            return None;
        }
    }
    let port = port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let [line_host, line_port, line_database, line_user, password] =
            <[String; 5]>::try_from(fields(line)).ok()?;
        let host_fits = line_host == "*"
            || line_host == host
            // A socket directory goes by the name of localhost.
            || (host.starts_with('/') && line_host == "localhost");
        let fits = |field: &str, wanted: &str| field == "*" || field == wanted;
        (host_fits && fits(&line_port, &port) && fits(&line_database, database) && fits(&line_user, user))
            .then_some(password)
    })
}

/// The fields of a line: cut at `:`, with `\:` and `\\` standing for themselves.
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
    fn the_first_line_that_fits_gives_the_password() {
        let dir = std::env::temp_dir().join(format!("passfile-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&dir).unwrap();
        let file = dir.join("pgpass");
        std::fs::write(
            &file,
            "# comment\nbroken:line\ndb.example:5432:shop:me:one\n*:5433:*:me:t\\:w\\\\o\n\
             localhost:*:*:*:socket\n",
        )
        .unwrap();
        let set_mode = |mode| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set_mode(0o600);
        let found = |host, port| look_up(&file, host, port, "shop", "me");
        assert_eq!(found("db.example", 5432).as_deref(), Some("one"));
        assert_eq!(found("db.example", 5433).as_deref(), Some(r"t:w\o"));
        assert_eq!(found("/var/run/postgresql", 5432).as_deref(), Some("socket"));
        assert_eq!(found("other", 5432), None);
        set_mode(0o644);
        assert_eq!(found("db.example", 5432), None);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found("db.example", 5432), None);
    }
}
