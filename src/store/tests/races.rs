//! Two requests at once: in every interleaving one of them wins, and none hangs.

use std::time::Duration;

use super::fixture::{Fixture, LONG, Node, after};
use protocol::{ClaimRejected, EndReason, Reply, Request, TakeOver, Term};

/// Starts that much later, so that the rounds cover every moment of the other request.
async fn late<T>(milliseconds: u64, future: impl Future<Output = T>) -> T {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    future.await
}

async fn end(node: &mut Node, term: Term) {
    node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
}

pub(super) async fn of_two_claims_at_once_one_wins(fixture: Fixture) {
    let (mut one, mut two) = (fixture.node("a").await, fixture.node("b").await);
    for round in 1..=40_u64 {
        let view = one.view(&[]).await;
        let claims = (Request::Claim(one.claim_on(&view)), Request::Claim(two.claim_on(&view)));
        let replies = tokio::join!(one.ask(claims.0), late(round % 4, two.ask(claims.1)));
        let term = Term::new(round.cast_signed());
        let (winner, loser) = match replies {
            (Reply::Claimed { term: won }, Reply::ClaimRejected(lost)) if won == term => {
                assert!(matches!(lost, ClaimRejected::IncumbentChanged | ClaimRejected::Raced), "{lost:?}");
                (&mut one, &mut two)
            }
            (Reply::ClaimRejected(lost), Reply::Claimed { term: won }) if won == term => {
                assert!(matches!(lost, ClaimRejected::IncumbentChanged | ClaimRejected::Raced), "{lost:?}");
                (&mut two, &mut one)
            }
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(fixture.terms().await, (term.get(), 1));
        assert!(winner.renew(term).await.is_some());
        assert!(loser.follower_heartbeat().await.is_some());
        end(winner, term).await;
    }
}

pub(super) async fn either_the_claim_or_the_renewal_wins(fixture: Fixture) {
    let (mut leader, mut term) = fixture.leader("a").await;
    let mut other = fixture.node("b").await;
    let (mut claims, mut renewals) = (0, 0);
    for round in 0..60_u64 {
        let view = other.view(&[]).await;
        let claim = Request::Claim(other.claim_on(&view));
        let replies = tokio::join!(other.ask(claim), late(round % 15, leader.renew(term)));
        match replies {
            (Reply::ClaimRejected(ClaimRejected::IncumbentChanged), Some(_)) => {
                renewals += 1;
                assert!(leader.renew(term).await.is_some());
            }
            (Reply::Claimed { term: next }, None) => {
                claims += 1;
                assert_eq!(next, after(term));
                assert!(other.renew(next).await.is_some());
                term = next;
                std::mem::swap(&mut leader, &mut other);
            }
            (Reply::Claimed { .. }, Some(_)) => panic!("both won in round {round}"),
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(fixture.terms().await.1, 1);
    }
    assert!(claims > 0, "the renewal won every time");
    println!("{claims} claims, {renewals} renewals");
}

pub(super) async fn either_the_claim_or_the_takeover_wins(fixture: Fixture) {
    let mut holder = fixture.node("a").await;
    let mut taker = holder.successor(&fixture);
    for round in 0..30_u64 {
        taker.restart();
        let view = holder.view(&[]).await;
        let claim = Request::Claim(holder.claim_on(&view));
        let take_over = Some(TakeOver::Follower(holder.incarnation()));
        match tokio::join!(holder.ask(claim), late(round % 10, taker.register(take_over))) {
            (Reply::Claimed { term }, Reply::IdTaken { leading: true, .. }) => {
                assert!(holder.renew(term).await.is_some());
                end(&mut holder, term).await;
            }
            (Reply::ClaimRejected(ClaimRejected::OwnRowChanged), Reply::Registered { .. }) => {
                assert_eq!(fixture.terms().await.1, 0);
                std::mem::swap(&mut holder, &mut taker);
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

pub(super) async fn either_the_claim_or_the_takeover_of_the_leader_wins(fixture: Fixture) {
    let (mut leader, mut term) = fixture.leader("a").await;
    let mut other = fixture.node("b").await;
    let mut taker = leader.successor(&fixture);
    for round in 0..20_u64 {
        taker.who.node_id = leader.who.node_id.clone();
        taker.restart();
        let view = taker.view(&[]).await;
        let claim = Request::Claim(other.claim_on(&view));
        let take_over =
            Some(TakeOver::Leader { incarnation: leader.incarnation(), incumbent: view.incumbent() });
        match tokio::join!(other.ask(claim), late(round % 5, taker.register(take_over))) {
            (Reply::Claimed { term: next }, Reply::IdTaken { leading: false, .. }) => {
                assert_eq!(next, after(term));
                term = next;
                std::mem::swap(&mut leader, &mut other);
            }
            (Reply::ClaimRejected(ClaimRejected::IncumbentChanged), Reply::Registered { .. }) => {
                std::mem::swap(&mut leader, &mut taker);
                assert_eq!(fixture.terms().await.1, 0);
                term = leader.lead().await;
            }
            other => panic!("round {round}: {other:?}"),
        }
        assert!(leader.renew(term).await.is_some(), "round {round}");
    }
}

/// All requests at once for a while: only regular outcomes, so no deadlock, and always one open term.
pub(super) async fn many_nodes_at_once_do_not_block_each_other(fixture: Fixture) {
    let mut nodes = Vec::new();
    for n in 0..5 {
        nodes.push(fixture.node(&format!("n{n}")).await);
    }
    let work = nodes.into_iter().map(|mut node| {
        tokio::spawn(async move {
            let mut won = Vec::new();
            for _ in 0..12 {
                let view = node.view(&[]).await;
                let claim = Request::Claim(node.claim_on(&view));
                if let Reply::Claimed { term } = node.ask(claim).await {
                    won.push(term);
                    node.renew(term).await;
                    node.ask(Request::Cleanup { older_than: LONG }).await;
                    end(&mut node, term).await;
                }
                node.follower_heartbeat().await;
            }
            won
        })
    });
    let mut won = Vec::new();
    for node in work.collect::<Vec<_>>() {
        won.extend(node.await.unwrap());
    }
    won.sort_unstable();
    let highest = won.len().try_into().unwrap();
    assert_eq!(won, (1..=highest).map(Term::new).collect::<Vec<_>>(), "every term was won once");
    assert!(fixture.view().await.open_term().is_none());
}
