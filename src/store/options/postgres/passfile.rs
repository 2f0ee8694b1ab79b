//! Reads the password file.
//!
//! The driver cannot do this: it knows no `passfile` keyword, and it logs a malformed line with its password.

use std::io::ErrorKind;
use std::path::Path;

use conninfo::Host;
use conninfo::Password;
use conninfo::password_in;

/// The password of the first line that matches, or none. As in libpq, a file that is missing, cannot be read or is
/// open to others counts as empty; in the last two cases with a warning.
pub(super) fn look_up(file: &Path, host: &Host, database: &str, user: &str) -> Option<Password> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
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
    password_in(&text, host, database, user)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use conninfo::HostName;

    use super::*;

    #[test]
    fn a_password_file_that_others_may_read_counts_as_empty() {
        let file = std::env::temp_dir().join(format!("passfile-{}", uuid::Uuid::new_v4()));
        let host = Host::new(HostName::Name("db.example".to_owned()), 5432);
        let found = || look_up(&file, &host, "shop", "me").map(|password| password.expose().to_owned());
        assert_eq!(found(), None);
        std::fs::write(&file, "db.example:5432:shop:me:one\n").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(found().as_deref(), Some("one"));
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(found(), None);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(found(), None);
    }
}
