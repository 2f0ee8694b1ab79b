//! The lines of a replay, short enough to read.

use protocol::{Command, Event, Lease, NodeRow, Reply, Request, Snapshot, Term, TermRow, Time};

use crate::database::NodeIdentity;

/// A process: its id and the end of its incarnation.
pub fn name(identity: &NodeIdentity) -> String {
    format!("{}#{:04x}", identity.id, identity.incarnation.0 & 0xffff)
}

pub fn event(event: &Event) -> String {
    match event {
        Event::Reply { token, reply: Some(Reply::Snapshot(seen)) } => format!("{token} {}", view(seen)),
        Event::Reply { token, reply } => format!("{token} {reply:?}"),
        other => format!("{other:?}"),
    }
}

pub fn command(command: &Command) -> String {
    match command {
        Command::Send { token, request: asked, limit } => {
            format!("{token} {} within {limit:?}", request(asked))
        }
        other => format!("{other:?}"),
    }
}

pub fn request(request: &Request) -> String {
    match request {
        Request::Claim(claim) => {
            let known = claim.electorate.peers.iter().map(|known| {
                let live = if known.live { " live" } else { "" };
                let skipped = if known.skipped { " skipped" } else { "" };
                format!("{}:{}{live}{skipped}", known.id, known.heartbeat_seq)
            });
            let known: Vec<_> = known.collect();
            let (incumbent, floor) = (&claim.incumbent, claim.min_term);
            let term = incumbent.term.map_or(Term::NONE, |leadership| leadership.term);
            let row =
                incumbent.row.as_ref().map(|row| format!("{} {}:{}", row.id, row.term, row.heartbeat_seq));
            format!("Claim after term {term} {row:?}, floor {floor}, known {known:?}")
        }
        other => format!("{other:?}"),
    }
}

pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Snapshot(seen) => view(seen),
        other => format!("{other:?}"),
    }
}

pub fn lease(lease: Option<Lease>, shown: Time) -> String {
    lease.map_or_else(String::new, |lease| {
        format!(" [term {}, {:?} left]", lease.term, lease.deadline.since(shown))
    })
}

fn view(view: &Snapshot) -> String {
    let terms: Vec<_> = view.terms.iter().map(term).collect();
    let nodes: Vec<_> = view.nodes.iter().map(node).collect();
    format!("Snapshot {terms:?} {nodes:?}")
}

fn term(term: &TermRow) -> String {
    let ended = term.end_reason.map_or_else(|| "open".to_owned(), |reason| format!("{reason:?}"));
    format!("{} {}#{:04x} {ended}", term.term, term.leader_id, term.incarnation.0 & 0xffff)
}

fn node(row: &NodeRow) -> String {
    let leads = if row.is_leader() { " leads" } else { "" };
    let ineligible = if row.eligible { "" } else { " ineligible" };
    let (id, incarnation) = (&row.id, row.incarnation.0 & 0xffff);
    let (priority, term, seq, age) =
        (row.priority, row.term, row.heartbeat_seq, row.heartbeat_age.as_millis());
    format!("{id}#{incarnation:04x} p{priority} {term}:{seq}{leads}{ineligible} {age} ms old")
}
