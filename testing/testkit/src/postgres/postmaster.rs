//! The server's process, the postmaster, and its children.

use std::fs;
use std::process::Child;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

/// A running server's process.
#[derive(Debug)]
pub(crate) struct Postmaster(Child);

impl Postmaster {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Signals the process to end, and waits until it has. False if that takes longer than `limit`.
    ///
    /// A stopped process handles no signal but SIGKILL, so all processes are resumed first.
    pub(crate) fn end(&mut self, signal: Signal, limit: Duration) -> bool {
        self.resume();
        let _ = kill_process(Pid::from_child(&self.0), signal);
        let start = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) {
            if start.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Stops all processes with SIGSTOP.
    pub(crate) fn freeze(&self) {
        // The postmaster first: after that it starts no more children.
        let _ = kill_process(Pid::from_child(&self.0), Signal::STOP);
        self.signal_all(Signal::STOP);
    }

    /// Resumes frozen processes.
    pub(crate) fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Signals the postmaster and its children. No other process can be hit: the postmaster is not reaped yet, the
    /// children are found by their parent, and a frozen postmaster reaps none of them.
    fn signal_all(&self, signal: Signal) {
        for child in children_of(self.id()) {
            let _ = kill_process(child, signal);
        }
        let _ = kill_process(Pid::from_child(&self.0), signal);
    }
}

fn children_of(parent: u32) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_else(|_| {
        let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("`ps` starts");
        let parent = parent.to_string();
        let processes = String::from_utf8_lossy(&output.stdout).into_owned();
        let fields = processes.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields[1] == parent).map(|fields| format!("{} ", fields[0])).collect()
    });
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
