//! The `.env` file, which the environment goes before.

/// Reads `.env` of the working directory, or of the nearest folder above that has one, into the environment. What the
/// environment has already stays.
///
/// # Errors
/// One line that says what is wrong with the file. A file that cannot be read must not pass for one that is not
/// there: without it another database would be used.
pub fn load_env_file() -> Result<(), String> {
    match dotenvy::dotenv() {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // Its own message quotes the line, password and all.
        Err(dotenvy::Error::LineParse(..)) => {
            Err(".env has a line that is not NAME=value (quote a value that has spaces)".to_owned())
        }
        Err(error) => Err(format!(".env: {error}")),
    }
}
