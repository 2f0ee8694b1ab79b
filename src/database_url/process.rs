//! The part of libpq's environment that this process has.

use conninfo::Environment;

/// Reads the variables that libpq reads, the home directory and the operating system's name of the user.
pub(super) fn environment() -> Environment {
    let variables = conninfo::variables().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let mut environment = Environment::empty().with_variables(variables);
    if let Some(home) = std::env::home_dir() {
        environment = environment.with_home(home);
    }
    if let Ok(user) = whoami::username() {
        environment = environment.with_user(user);
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_the_one_the_operating_system_knows() {
        let id = std::process::Command::new("id").arg("-un").output().unwrap();
        let name = String::from_utf8(id.stdout).unwrap();
        assert_eq!(environment().user(), Some(name.trim()));
    }
}
