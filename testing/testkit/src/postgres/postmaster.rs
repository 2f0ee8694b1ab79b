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

    /// Ends the process, and waits until it has ended. False if that takes longer than `limit`.
    ///
    /// A stopped process takes no signal but SIGKILL, so all of them are continued first.
    pub(crate) fn end(&mut self, signal: Signal, limit: Duration) -> bool {
        self.go_on();
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

    /// Ends the process at once, whatever becomes of its data.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Stops all of the processes where they stand.
    pub(crate) fn freeze(&self) {
        // The postmaster first, so that it starts no more children; they are then all there are.
        let _ = kill_process(Pid::from_child(&self.0), Signal::STOP);
        self.signal_all(Signal::STOP);
    }

    /// Lets frozen processes go on.
    pub(crate) fn go_on(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Signals the postmaster and its children. Both are ours: the postmaster is not reaped yet, and the
    /// children are looked up by their parent. A frozen postmaster reaps none, so the list holds.
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
