//! The `.env` file. The environment wins over it.

use crate::exit::BadInput;

/// Reads `.env` from the working directory, or from the nearest directory above it that has one, into the environment.
/// Variables that are already set keep their values.
///
/// # Errors
/// One line that says what is wrong with the file. An unreadable file is an error and not ignored: without it the node
/// would use another database.
pub(crate) fn load() -> Result<(), BadInput> {
    match dotenvy::dotenv() {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The library's message quotes the line, which may hold a password.
        Err(dotenvy::Error::LineParse(..)) => {
            Err(BadInput(".env has a line that is not NAME=value (quote a value that has spaces)".to_owned()))
        }
        Err(error) => Err(BadInput(format!(".env: {error}"))),
    }
}
