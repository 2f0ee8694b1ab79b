//! What the user wrote is wrong: one line, exit code 2, and nothing half-done.

use std::fs;

use crate::node::{Fixture, PATIENCE};
use testkit::Process;

/// Runs a node with this fixture, and returns the one line it ends with.
async fn refused(fixture: &Fixture, arguments: &[&str]) -> String {
    let files = || fs::read_dir(fixture.path()).unwrap().map(|file| file.unwrap().file_name());
    let before: Vec<_> = files().collect();
    let node = {
        let mut shell = std::process::Command::new("/bin/sh");
        let node = fixture.command(arguments);
        // What it may write to is its stderr.
        shell.args(["-c", r#"exec "$@" | sed 's/^/on stdout: /'"#, "sh"]).arg(node.get_program());
        shell.args(arguments).current_dir(fixture.path()).env_clear().env("PATH", "/usr/bin:/bin");
        shell.envs(node.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Process::spawn_command(shell)
    };
    node.wait_exit(PATIENCE).await;
    let lines = node.lines();
    let [line] = lines.as_slice() else { panic!("{arguments:?} wrote:\n{}", node.output()) };
    assert!(line.starts_with("error: "), "{line}");
    assert_eq!(files().collect::<Vec<_>>(), before, "{line}");

    let (code, again) = fixture.run(arguments).await;
    assert_eq!((code, again.as_str()), (2, line.as_str()));
    line.clone()
}

#[tokio::test]
async fn variables_that_make_no_sense_are_refused_in_one_line() {
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
async fn arguments_that_make_no_sense_are_refused_in_one_line() {
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
async fn a_line_of_the_env_file_that_cannot_be_read_is_refused_and_not_shown() {
    let fixture = Fixture::empty();
    fs::write(fixture.path().join(".env"), "DATABASE_URL=host=localhost password=wr0ng user=me\n").unwrap();
    let line = refused(&fixture, &[]).await;
    assert!(line.contains(".env") && !line.contains("wr0ng"), "{line}");
}

#[tokio::test]
async fn a_password_in_what_is_refused_is_not_shown() {
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
