//! The `.env` file. The environment takes precedence over it.

use crate::exit::BadInput;

/// Reads `.env` of the working directory, or of the nearest folder above that has one, into the environment. Variables
/// that are set already keep their values.
///
/// # Errors
/// One line that says what is wrong with the file. A file that cannot be read must not pass for one that is not
/// there: without it the node would use another database.
pub(crate) fn load() -> Result<(), BadInput> {
    match dotenvy::dotenv() {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The library's own message quotes the line, password and all.
        Err(dotenvy::Error::LineParse(..)) => {
            Err(BadInput(".env has a line that is not NAME=value (quote a value that has spaces)".to_owned()))
        }
        Err(error) => Err(BadInput(format!(".env: {error}"))),
    }
}
