//! Bad input: one line, exit code 2, and no side effects.

use std::fs;

use crate::node::{Fixture, TIMEOUT};
use testkit::Process;

/// Runs a node that refuses its input. Returns the one line it writes.
async fn refused(fixture: &Fixture, arguments: &[&str]) -> String {
    let files = || fs::read_dir(fixture.path()).unwrap().map(|file| file.unwrap().file_name());
    let before: Vec<_> = files().collect();
    let node = {
        let mut shell = std::process::Command::new("/bin/sh");
        let node = fixture.command(arguments);
        // Stdout is marked: the line belongs on stderr.
        shell.args(["-c", r#"exec "$@" | sed 's/^/on stdout: /'"#, "sh"]).arg(node.get_program());
        shell.args(arguments).current_dir(fixture.path()).env_clear().env("PATH", "/usr/bin:/bin");
        shell.envs(node.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Process::spawn_command(shell)
    };
    node.wait_exit(TIMEOUT).await;
    let lines = node.lines();
    let [line] = lines.as_slice() else { panic!("{arguments:?} wrote:\n{}", node.output()) };
    assert!(line.starts_with("error: "), "{line}");
    assert_eq!(files().collect::<Vec<_>>(), before, "{line}");

    let (code, again) = fixture.run(arguments).await;
    assert_eq!((code, again.as_str()), (2, line.as_str()));
    line.clone()
}

#[tokio::test]
async fn invalid_variables_are_refused_in_one_line() {
    let long = "x".repeat(256);
    for (variables, says) in [
        (
            &[("ELECTION_TIMEOUT", "14s")][..],
            "election_timeout 14s must be at least 3 x heartbeat_interval 5s",
        ),
        (&[("NODE_TIMEOUT", "29s")], "node_timeout 29s must be at least 2 x election_timeout 15s"),
        (&[("HEARTBEAT_INTERVAL", "fast")], "HEARTBEAT_INTERVAL"),
        (&[("HEARTBEAT_INTERVAL", "5")], "5s"),
        (&[("HEARTBEAT_INTERVAL", "1ms")], "heartbeat_interval 1ms must be at least 10ms"),
        (&[("DATABASE_URL", "mysql://root@host/db")], "`mysql://` is not supported"),
        (&[("DATABASE_URL", "nonsense")], "neither a URL nor a list"),
        (&[("DATABASE_URL", "")], "DATABASE_URL: it is empty"),
        (&[("DATABASE_URL", "host=db sslmode=allow")], "sslmode"),
        (&[("DATABASE_URL", "host=db krbsrvname=x")], "krbsrvname"),
        (&[("NODE_ID", "")], "node id must not be empty"),
        (&[("NODE_ID", &long)], "node id must be at most 255 bytes"),
        (&[("NODE_PRIORITY", "high")], "NODE_PRIORITY"),
        (&[("NODE_PRIORITY", "99999999999")], "99999999999"),
        (&[("LOG_FORMAT", "xml")], "text, json"),
        (&[("AUTO_MIGRATE", "perhaps")], "true, false"),
        (&[("RUST_LOG", "leader_election=loud")], "RUST_LOG"),
        (&[("REQUIRE_DATABASE_URL", "true")], "DATABASE_URL is not set"),
    ] {
        let fixture =
            variables.iter().fold(Fixture::empty(), |fixture, (name, value)| fixture.with(name, value));
        let line = refused(&fixture, &[]).await;
        assert!(line.contains(says), "{variables:?}: {line}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_refused_in_one_line() {
    for (arguments, says) in [
        (&["--prioriti", "1"][..], "--prioriti"),
        (&["run", "--force"], "--force"),
        (&["ruin"], "ruin"),
        (&["migrate", "sideways"], "sideways"),
        (&["run", "--priority"], "--priority <N>' (NODE_PRIORITY)"),
        (&["run", "--node-id", ""], "node id must not be empty"),
        (&["--heartbeat-interval", "5 parsecs"], "--heartbeat-interval"),
        (&["--require-database-url"], "DATABASE_URL is not set"),
        (&["migrate", "--require-database-url", "status"], "DATABASE_URL is not set"),
    ] {
        let line = refused(&Fixture::empty(), arguments).await;
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
}

#[tokio::test]
async fn an_invalid_line_of_the_env_file_is_refused_and_not_shown() {
    let fixture = Fixture::empty();
    fs::write(fixture.path().join(".env"), "DATABASE_URL=host=localhost password=wr0ng user=me\n").unwrap();
    let line = refused(&fixture, &[]).await;
    assert!(line.contains(".env") && !line.contains("wr0ng"), "{line}");
}

#[tokio::test]
async fn a_password_in_a_refused_url_is_not_shown() {
    for url in [
        "postgres://me:wr0ng@host:port/db",
        "host=db password=wr0ng colour=blue sslmode=allow",
        "password='wr0ng",
        "wr0ng",
    ] {
        let fixture = Fixture::empty().with("DATABASE_URL", url);
        let line = refused(&fixture, &[]).await;
        assert!(!line.contains("wr0ng"), "{line}");
    }
}
