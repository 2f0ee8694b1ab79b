//! A child process that a test watches and signals.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::sync::watch;

use crate::watchdog::Watchdog;

/// A child process in its own process group, with every line of its stdout and stderr. When it is dropped, or when the
/// test's process dies, the child and its group are killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    _watchdog: Watchdog,
}

#[derive(Debug)]
struct Output {
    lines: Mutex<Vec<String>>,
    /// The number of lines.
    grown: watch::Sender<usize>,
}

impl Process {
    /// Starts a program with these environment variables, beside those of the test's process. Its stdin is empty.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn spawn<A, E, K, V>(program: impl AsRef<OsStr>, arguments: A, environment: E) -> Self
    where
        A: IntoIterator<Item: AsRef<OsStr>>,
        E: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let mut command = Command::new(program);
        command.args(arguments).envs(environment);
        Self::spawn_command(command)
    }

    /// Starts a command that the caller built (with another directory, or fewer variables).
    ///
    /// # Panics
    /// It cannot be started.
    pub fn spawn_command(mut command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let watchdog = Watchdog::new(r#"kill -s KILL -- "-$1""#, &[&child.id().to_string()]);

        let output = Arc::new(Output { lines: Mutex::default(), grown: watch::Sender::new(0) });
        output.read_from(child.stdout.take().expect("stdout is piped"));
        output.read_from(child.stderr.take().expect("stderr is piped"));
        Self { name, child, output, _watchdog: watchdog }
    }

    /// The process id. No other process gets it before this value is dropped, even if the process has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Every line so far of stdout and stderr, in the order in which they came.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.lines().clone()
    }

    /// The lines so far as one text.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lines().join("\n")
    }

    /// Waits for a line that contains `text`, and returns it. The line may have come before the call.
    ///
    /// # Panics
    /// No such line came within `timeout`.
    pub async fn wait_for_line(&self, text: &str, timeout: Duration) -> String {
        self.wait_for_line_after(0, text, timeout).await.1
    }

    /// As [`wait_for_line`](Self::wait_for_line), among the lines from index `from` on. Also returns the index of the
    /// line after the found one, to continue from there.
    ///
    /// # Panics
    /// No such line came within `timeout`.
    pub async fn wait_for_line_after(&self, from: usize, text: &str, timeout: Duration) -> (usize, String) {
        let mut grown = self.output.grown.subscribe();
        let found = tokio::time::timeout(timeout, async {
            loop {
                grown.borrow_and_update();
                if let Some(found) = self.output.find(from, text) {
                    return found;
                }
                // The sender lives as long as `self`.
                let _ = grown.changed().await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                panic!("{} wrote no line with {text:?} within {timeout:?}:\n{}", self.name, self.output())
            }
        }
    }

    /// Sends a signal to the process. Does nothing if the process has ended.
    ///
    /// # Panics
    /// The process runs as another user and may not be signalled.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.own_pid(), signal)
            .unwrap_or_else(|error| panic!("{}: {signal:?}: {error}", self.name));
    }

    /// The exit code if the process has ended; if a signal ended it, 128 plus the signal's number.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        // It is not reaped before the drop: until then no other process or group can get its id.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.own_pid()), options).expect("a child can be waited for")?;
        status.exit_status().or_else(|| Some(128 + status.terminating_signal()?))
    }

    /// Waits for the end of the process and of its output. Returns the exit code; if a signal ended the process, 128
    /// plus the signal's number.
    ///
    /// # Panics
    /// It did not end within `timeout`.
    pub async fn wait_exit(&self, timeout: Duration) -> i32 {
        let ended = tokio::time::timeout(timeout, async {
            loop {
                if let Some(code) = self.exit_code() {
                    return code;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        let Ok(code) = ended.await else {
            panic!("{} did not end within {timeout:?}:\n{}", self.name, self.output());
        };
        // A child of the process may keep the pipes open, but the lines of the process itself come at once.
        let readers_ended = async {
            while Arc::strong_count(&self.output) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(500), readers_ended).await;
        code
    }

    fn own_pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process_group(self.own_pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Output {
    /// Reads to the end on its own thread, so that the child never waits for the test.
    fn read_from(self: &Arc<Self>, pipe: impl Read + Send + 'static) {
        let output = Arc::clone(self);
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(pipe.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                let text = String::from_utf8_lossy(&line);
                output.push(text.trim_end_matches(['\n', '\r']).to_owned());
                line.clear();
            }
        });
    }

    fn push(&self, line: String) {
        let mut lines = self.lines();
        lines.push(line);
        self.grown.send_replace(lines.len());
    }

    fn find(&self, from: usize, text: &str) -> Option<(usize, String)> {
        let lines = self.lines();
        let (index, line) = lines.iter().enumerate().skip(from).find(|(_, line)| line.contains(text))?;
        Some((index + 1, line.clone()))
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
