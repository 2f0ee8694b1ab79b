//! What a test started must not outlive it, however the test ends.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that waits for this process to end, by the end of a pipe that only this process writes to, and
/// then runs a script. It works where nothing in the process itself can: after SIGKILL. Dropped, it never
/// runs the script.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts the watch. The script finds `arguments` as `$1` and on.
    pub(crate) fn new(script: &str, arguments: &[&str]) -> Self {
        let shell = Command::new("sh")
            .arg("-c")
            // Nothing is ever written: the read ends when the last writer is gone.
            .arg(format!("read -r _; {script}"))
            .arg("testkit-watchdog")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C, which ends the test.
            .process_group(0)
            .current_dir("/")
            .spawn()
            .expect("`sh` starts");
        Self { shell }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before the pipe closes with the `Child`: then the script does not start.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
