//! Cleans up after a test, however it ends: nothing that the test started may outlive it.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that runs a script when this process has ended. It notices by the end of a pipe whose only writer is this
/// process, so it also works after SIGKILL. When the watchdog is dropped, the script never runs.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts the shell. The script gets `arguments` as `$1`, `$2` and so on.
    pub(crate) fn new(script: &str, arguments: &[&str]) -> Self {
        let shell = Command::new("sh")
            .arg("-c")
            // Nothing is ever written: the read ends when the last writer closes the pipe.
            .arg(format!("read -r _; {script}"))
            .arg("testkit-watchdog")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // In another group, because the terminal's Ctrl-C ends the test's group.
            .process_group(0)
            .current_dir("/")
            .spawn()
            .expect("`sh` starts");
        Self { shell }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The pipe closes with the `Child`. Before that the shell is killed, so the script does not start.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
