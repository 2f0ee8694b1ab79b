//! Children are watched, signalled and never left behind.

use std::path::Path;
use std::time::Duration;

use testkit::{Process, Signal, eventually};

const TIMEOUT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Process {
    Process::spawn("sh", ["-c", script], [("GREETING", "hello")])
}

#[tokio::test]
async fn lines_of_both_streams_and_the_exit_code_are_read() {
    let child = shell("echo $GREETING out; echo $GREETING err >&2; printf unfinished; exit 7");
    assert_eq!(child.wait_for_line("out", TIMEOUT).await, "hello out");
    assert_eq!(child.wait_for_line("err", TIMEOUT).await, "hello err");
    assert_eq!(child.wait_exit(TIMEOUT).await, 7);
    assert!(child.lines().contains(&"unfinished".to_owned()), "{:?}", child.lines());
}

#[tokio::test]
async fn waiting_goes_on_from_a_line() {
    let child = shell("echo one; echo two; echo one again; sleep 60");
    let (next, line) = child.wait_for_line_after(0, "one", TIMEOUT).await;
    assert_eq!((next, line.as_str()), (1, "one"));
    let (next, line) = child.wait_for_line_after(next, "one", TIMEOUT).await;
    assert_eq!((next, line.as_str()), (3, "one again"));
}

#[tokio::test]
#[should_panic(expected = "wrote no line with \"never\" within 50ms:\nsomething else")]
async fn a_line_that_does_not_come_fails_with_what_came() {
    let child = shell("echo something else; sleep 60");
    child.wait_for_line("else", TIMEOUT).await;
    child.wait_for_line("never", Duration::from_millis(50)).await;
}

#[tokio::test]
async fn a_signal_reaches_the_process() {
    let child = shell("trap 'echo terminated; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
    child.wait_for_line("ready", TIMEOUT).await;
    assert_eq!(child.exit_code(), None);
    child.signal(Signal::TERM);
    assert_eq!(child.wait_exit(TIMEOUT).await, 3);
    child.wait_for_line("terminated", TIMEOUT).await;

    let child = shell("sleep 60");
    child.signal(Signal::KILL);
    assert_eq!(child.wait_exit(TIMEOUT).await, 128 + 9);
    // It has ended, and no other process has its id yet.
    child.signal(Signal::CONT);
}

#[tokio::test]
async fn a_stopped_process_is_continued_by_a_signal() {
    let child = shell("while :; do echo tick; sleep 0.01; done");
    child.wait_for_line("tick", TIMEOUT).await;
    child.signal(Signal::STOP);
    // Lines that were already written are read; after them nothing may come.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = child.lines().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(child.lines().len(), before);
    child.signal(Signal::CONT);
    child.wait_for_line_after(before, "tick", TIMEOUT).await;
}

#[tokio::test]
async fn a_dropped_process_takes_its_children_along() {
    let child = shell("sleep 61 & echo $!; wait");
    let grandchild = child.wait_for_line("", TIMEOUT).await;
    drop(child);
    eventually("the grandchild to be gone", TIMEOUT, async || is_gone(&grandchild)).await;
}

/// The part of the test that is killed: it has a child, and never ends.
fn wait_to_be_killed() {
    let child = shell("sleep 62");
    println!("CHILD {}", child.pid());
    println!("READY");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_child_does_not_outlive_a_killed_test() {
    const ROLE: &str = "TESTKIT_WAIT_TO_BE_KILLED";
    if std::env::var_os(ROLE).is_some() {
        wait_to_be_killed();
    }
    let arguments = ["--exact", "--nocapture", "a_child_does_not_outlive_a_killed_test"];
    let test = Process::spawn(std::env::current_exe().unwrap(), arguments, [(ROLE, "1")]);
    test.wait_for_line("READY", TIMEOUT).await;
    let line = test.wait_for_line("CHILD ", TIMEOUT).await;
    let child = line.rsplit(' ').next().unwrap();
    assert!(!is_gone(child));
    test.signal(Signal::KILL);
    eventually("the child to be gone", TIMEOUT, async || is_gone(child)).await;
}

/// Whether the process has ended; a zombie has.
fn is_gone(pid: &str) -> bool {
    let process = Path::new("/proc").join(pid);
    std::fs::read_to_string(process.join("stat")).map_or(true, |stat| stat.contains(") Z "))
}
